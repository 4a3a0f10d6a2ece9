"""The TV pre-transform: "Image Pre-Transformation for Recognition-Aware Image Compression".

    x' ← network(x)
    L ← L_recog(x', y) + λ·TV(x')                 y: the recogniser's prediction on x, or the label
    network ← network − η·∂L/∂network             nothing else learns

No codec takes part: TV stands in for the bits. For a range of λ, one is drawn for every picture,
log λ evenly; the network is told it, and L is divided by √λ, so that all weigh alike. With `segnet`
and λ = 0 this is Palacio+, "What do Deep Networks Like to See?", which fine-tunes an autoencoder
that can copy pictures already; so the first `copy_steps` steps have L ← mse(x', x), an eighth of
them each with one, two, three and four of its stages, and half of them with all five. A network
to begin with has all five from its first step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neurocodec import files
from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.losses import Recognition, described
from neurocodec.losses.pixels import mean_squared_error, total_variation
from neurocodec.networks.segnet import DEPTH, SegNet
from neurocodec.networks.tensors import to_tensor
from neurocodec.networks.tv import Tv
from neurocodec.training import distributed, loop
from neurocodec.training.config import Config
from neurocodec.training.crops import ground_truth_of
from neurocodec.training.loop import Trained
from neurocodec.training.report import Record, Report
from neurocodec.training.start import weights_of
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
        lmbda: λ, the weight of TV: the lowest and the highest; equal ones are a network of one λ.
        copy_steps: first steps, that teach the network to copy; None is 0 for tv and for weights
            to begin with, else 1000.
        start: name or file of weights to begin with, or None.
    """

    codec: str
    recognition: Recognition
    arch: str = "tv"
    width: int | None = None
    lmbda: tuple[float, float] = (1.0, 1.0)
    copy_steps: int | None = None
    start: str | None = None

    @property
    def adapts(self) -> bool:
        """Whether there is a range of λ to adapt to."""
        return self.lmbda[0] < self.lmbda[1]

    @property
    def copies(self) -> int:
        """Steps of copying."""
        if self.copy_steps is not None:
            return self.copy_steps
        return 0 if self.start is not None else _COPY_STEPS[self.arch]


def train(options: TvOptions, config: Config, report: Report) -> Trained:
    """Train a filter for recognisers and a low total variation, without a codec."""
    if config.max_steps is not None and config.max_steps <= options.copies:
        raise UsageError(
            f"all of the {config.max_steps} steps would go to copying: raise --max-steps, or lower "
            f"--copy-steps {options.copies}"
        )
    if options.adapts and options.arch != "tv":
        raise UsageError(f"--arch {options.arch} adapts to no λ: name one --lmbda")
    with workbench(config, report, options.codec, options.recognition) as bench:
        torch.manual_seed(config.seed)
        network = _network(options).to(bench.device).to(memory_format=torch.channels_last)
        algorithm = TvAlgorithm(options, bench, network)
        trained = loop.train(algorithm, bench.crops(), bench.config, report)
        if trained.progress.steps <= options.copies:
            report.show(
                f"the network has only learnt to copy, by {trained.progress.steps} of "
                f"{options.copies} steps: it needs more time, or a lower --copy-steps"
            )
        return trained


def _network(options: TvOptions) -> Tv | SegNet:
    """The network to train: new, or the one to begin with."""
    architecture = _NETWORKS[options.arch]
    chosen: dict[str, Any] = {} if options.width is None else {"width": options.width}
    if options.start is None:
        chosen |= {"lmbdas": options.lmbda} if options.adapts else {}
        return architecture(**chosen)
    network = weights_of(options.start, architecture, f"filter of --arch {options.arch}", chosen)
    trained = network.config.get("lmbdas")
    if trained != (list(options.lmbda) if options.adapts else None):
        lmbdas = f"{trained[0]:g}-{trained[1]:g}" if trained else "one, and no range"
        raise UsageError(f"{files.display(options.start)}: its λ is {lmbdas}: correct --lmbda")
    return network.requires_grad_(True)


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
        lmbda = self._lmbda(len(images), step)
        for start in range(0, len(images), size):
            part = images[start : start + size]
            x = to_tensor(part, self.bench.device)
            weights = lmbda[start : start + size]
            with self.bench.precision:
                filtered = self._filtered(x, weights, step)
            terms = terms_of(x, filtered, weights, ground_truth_of(part))
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
            "lmbda": list(self.options.lmbda) if self.options.adapts else self.options.lmbda[0],
            "copy_steps": self.options.copies,
        }

    def _filtered(self, x: Tensor, lmbda: Tensor, step: int) -> Tensor:
        told: dict[str, Any] = {"lmbda": lmbda} if self.options.adapts else {}
        grows = self.options.arch == "segnet" and self.options.start is None
        if grows and step < self.options.copies:
            told["depth"] = min(DEPTH, 1 + 2 * (DEPTH - 1) * step // self.options.copies)
        filtered: Tensor = self.network(x, **told)
        return filtered

    def _lmbda(self, count: int, step: int) -> Tensor:
        """λ of every picture of a step, (N,)."""
        lowest, highest = self.options.lmbda
        if not self.options.adapts:
            return torch.full((count,), lowest, device=self.bench.device)
        rng = np.random.default_rng([self.bench.config.seed, 6, step])
        total = count * distributed.processes()
        drawn = np.exp(rng.uniform(math.log(lowest), math.log(highest), total))
        own = distributed.share(drawn.clip(lowest, highest).tolist())
        return torch.tensor(list(own), dtype=torch.float64).to(self.bench.device)

    def _copying(self, x: Tensor, filtered: Tensor, lmbda: Tensor, truth: Sequence[Any]) -> Terms:
        mse = mean_squared_error(x, filtered)
        return {"loss": mse, "mse": mse}

    def _recognising(
        self, x: Tensor, filtered: Tensor, lmbda: Tensor, truth: Sequence[Any]
    ) -> Terms:
        losses = {
            name: loss(loss.target(x, truth), filtered) for name, loss in self.bench.losses.items()
        }
        # The mean over the recognisers, so that λ weighs the same for one or several.
        l_recog = torch.stack(list(losses.values())).mean(0)
        tv = total_variation(filtered)
        lmbda = lmbda.to(tv)
        return {
            "loss": (l_recog + lmbda * tv) / (lmbda.sqrt() if self.options.adapts else 1.0),
            "tv": tv,
            "mse": mean_squared_error(x, filtered.detach()),
            **{f"d_m.{name}": d_m for name, d_m in losses.items()},
        }
