"""The TV pre-transform: "Image Pre-Transformation for Recognition-Aware Image Compression".

    x' ← network(x)
    L ← L_recog(x', y) + λ·TV(x')                 y: the recogniser's prediction on x, or the label
    network ← network − η·∂L/∂network             nothing else learns

No codec takes part: TV stands in for the bits. With `segnet` and λ = 0 this is Palacio+, "What do
Deep Networks Like to See?", which fine-tunes an autoencoder that can copy pictures already; so the
first `copy_steps` steps have L ← mse(x', x).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.losses import Recognition, described
from neurocodec.losses.pixels import mean_squared_error, total_variation
from neurocodec.networks.segnet import SegNet
from neurocodec.networks.tensors import to_tensor
from neurocodec.networks.tv import Tv
from neurocodec.training import loop
from neurocodec.training.config import Config
from neurocodec.training.crops import ground_truth_of
from neurocodec.training.loop import Trained
from neurocodec.training.report import Record, Report
from neurocodec.training.state import per_picture
from neurocodec.training.validation import Scores
from neurocodec.training.workbench import Workbench, workbench

_NETWORKS: dict[str, type[Tv | SegNet]] = {"tv": Tv, "segnet": SegNet}
_COPY_STEPS = {"tv": 0, "segnet": 1000}

# Of every picture, (N,) each; "loss" is the one that is lowered.
Terms = dict[str, Tensor]


@dataclass(frozen=True)
class TvOptions:
    """The options of `train-tv` beside those of every training.

    Attributes:
        codec: "name:key=value", for BD-rates only.
        recognition: the recognisers and L_recog.
        arch: "tv" or "segnet".
        width: channels of the first stage; None is the architecture's default.
        lmbda: λ, the weight of TV.
        copy_steps: first steps, that teach the network to copy; None is 0 for tv, 1000 for segnet.
    """

    codec: str
    recognition: Recognition
    arch: str = "tv"
    width: int | None = None
    lmbda: float = 1.0
    copy_steps: int | None = None

    @property
    def copies(self) -> int:
        """Steps of copying."""
        return _COPY_STEPS[self.arch] if self.copy_steps is None else self.copy_steps


def train(options: TvOptions, config: Config, report: Report) -> Trained:
    """Train a filter for recognisers and a low total variation, without a codec."""
    if config.max_steps is not None and config.max_steps <= options.copies:
        raise UsageError(
            f"all of the {config.max_steps} steps would go to copying: raise --max-steps, or lower "
            f"--copy-steps {options.copies}"
        )
    with workbench(config, report, options.codec, options.recognition) as bench:
        torch.manual_seed(config.seed)
        width = {} if options.width is None else {"width": options.width}
        network = _NETWORKS[options.arch](**width).to(bench.device)
        network = network.to(memory_format=torch.channels_last)
        algorithm = TvAlgorithm(options, bench, network)
        return loop.train(algorithm, bench.crops(), bench.config, report)


@dataclass(frozen=True, eq=False)
class TvAlgorithm:
    """The training step of a filter that is the same for every codec and QP."""

    options: TvOptions
    bench: Workbench
    network: nn.Module  # x → x'

    @property
    def kind(self) -> str:
        """The architecture."""
        return self.options.arch

    def gradients(self, images: list[Image], step: int) -> Record:
        """The loss of one batch, taken back to the network's weights."""
        self.network.train()
        terms_of = self._copying if step < self.options.copies else self._recognising
        records, size = [], self.bench.config.micro_batch
        for start in range(0, len(images), size):
            part = images[start : start + size]
            x = to_tensor(part, self.bench.device)
            with self.bench.precision:
                filtered = self.network(x)
            terms = terms_of(x, filtered, ground_truth_of(part))
            torch.autograd.backward(terms["loss"].sum() / len(images))
            records.append({name: float(term.detach().sum()) for name, term in terms.items()})
        return per_picture(records, len(images))

    def validate(self, network: nn.Module) -> Scores:
        """BD-rates on the pictures kept apart."""
        return self.bench.validation(network)

    def describe(self) -> dict[str, Any]:
        """Recognisers, λ and steps of copying; no QPs, since the filter serves all of them."""
        return {
            **described(self.bench.losses),
            "lmbda": self.options.lmbda,
            "copy_steps": self.options.copies,
        }

    def _copying(self, x: Tensor, filtered: Tensor, truth: Sequence[Any]) -> Terms:
        mse = mean_squared_error(x, filtered)
        return {"loss": mse, "mse": mse}

    def _recognising(self, x: Tensor, filtered: Tensor, truth: Sequence[Any]) -> Terms:
        losses = {
            name: loss(loss.target(x, truth), filtered) for name, loss in self.bench.losses.items()
        }
        # The mean over the recognisers, so that λ weighs the same for one or several.
        l_recog = torch.stack(list(losses.values())).mean(0)
        tv = total_variation(filtered)
        return {
            "loss": l_recog + self.options.lmbda * tv,
            "tv": tv,
            "mse": mean_squared_error(x, filtered.detach()),
            **{f"d_m.{name}": d_m for name, d_m in losses.items()},
        }
