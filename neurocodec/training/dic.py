"""Algorithm 1 of "Discernible Image Compression": a recurrent codec for people and recognisers.

    y₁ … y_T ← decoder(encoder(x))               the picture after each iteration, bits at random
    L ← mean over t of mse(y_t, x) + λ·D_m(y_u)   D_m: features apart, + γ·MMD (equation 7)
    codec ← codec − η·∂L/∂codec

The squared error is a mean over samples in [0, 1], where the paper has a sum, and features are
compared by their own power (losses/features.py): λ and γ here are not the paper's. D_m is taken of
one iteration u, drawn anew at each step. λ = 0 is the FRIC of the paper, and asks no recogniser.
After training the entropy coder's prediction is fitted to the bits of training pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.losses import Recognition, described
from neurocodec.losses.pixels import mean_squared_error
from neurocodec.networks.dic import BITS, STRIDE, Dic
from neurocodec.networks.tensors import to_tensor
from neurocodec.training import bit_statistics, distributed, loop
from neurocodec.training.config import Config
from neurocodec.training.finish import rewritten
from neurocodec.training.loop import Trained
from neurocodec.training.patches import Patches
from neurocodec.training.report import Record, Report
from neurocodec.training.start import weights_of
from neurocodec.training.state import per_picture
from neurocodec.training.validation import IterationsValidation, Scores
from neurocodec.training.workbench import Workbench, workbench

_NOUN = "codec of train-dic"
_WHOLE = 224  # pixels a side, of the pictures that statistics and validation are made on
_BPP = BITS / STRIDE**2  # of an iteration


@dataclass(frozen=True)
class DicOptions:
    """The options of `train-dic` beside those of every training.

    Attributes:
        codec: "name:key=value", for BD-rates only.
        models: recognisers whose features are compared; none with lmbda 0.
        lmbda: λ, the weight of D_m against the squared error.
        gamma: γ, the weight of the MMD against the features.
        layer: whose output the features are, as FeatureReader takes it.
        width: channels of the encoder's first layer; None is 64, or that of `start`.
        cell: "gru", "lstm" or "residual-gru"; None is gru, or that of `start`.
        reconstruction: "additive" or "one-shot"; None is additive, or that of `start`.
        iterations: of a picture.
        statistics: training pictures that the prediction of bits is fitted to.
        start: name or file of weights to begin with, or None.
    """

    codec: str
    models: Sequence[str] = ()
    lmbda: float = 0.0
    gamma: float = 1.0
    layer: str = ""
    width: int | None = None
    cell: str | None = None
    reconstruction: str | None = None
    iterations: int = 8
    statistics: int = 512
    start: str | None = None


def train(options: DicOptions, config: Config, report: Report) -> Trained:
    """Train a codec by Algorithm 1, and fit the prediction of its bits."""
    if bool(options.lmbda) != bool(options.models):
        raise UsageError("--lmbda and --model belong together: 0 and no --model is FRIC")
    with workbench(config, report, options.codec, _recognition(options)) as bench:
        torch.manual_seed(config.seed)
        network = _network(options).to(bench.device)
        algorithm = DicAlgorithm(options, bench, network)
        patches = Patches(bench.pictures, bench.config, report, bench.readers)
        trained = loop.train(algorithm, patches, bench.config, report)
        if distributed.is_first():
            with rewritten(trained.weights, Dic) as fitted:
                images = _middles(bench, bench.pictures.training[: options.statistics])
                bit_statistics.fit(fitted, images, bench.device, report)
        return trained


def _recognition(options: DicOptions) -> Recognition | None:
    if not options.models:
        return None
    layer = f":layer={options.layer}" if options.layer else ""
    loss = f"features:gamma={options.gamma:g}{layer}"
    return Recognition(options.models, loss=loss, fit="native")


def _network(options: DicOptions) -> Dic:
    chosen = {
        "width": options.width,
        "cell": options.cell,
        "reconstruction": options.reconstruction,
    }
    named: dict[str, Any] = {key: value for key, value in chosen.items() if value is not None}
    if options.start is None:
        return Dic(**named, iterations=options.iterations)
    start = weights_of(options.start, Dic, _NOUN, named)
    network = Dic(**{**start.config, "iterations": options.iterations})
    network.encoder.load_state_dict(start.encoder.state_dict())
    network.decoder.load_state_dict(start.decoder.state_dict())
    return network


@dataclass(frozen=True, eq=False)
class DicAlgorithm:
    """The training step of a codec."""

    options: DicOptions
    bench: Workbench
    network: nn.Module  # (x, T) → y₁ … y_T

    kind = "dic"

    def gradients(self, patches: list[Image], step: int) -> Record:
        """The loss of one batch, taken back to the network's weights."""
        self.network.train()
        records, size = [], self.bench.config.micro_batch
        for start in range(0, len(patches), size):
            x = to_tensor(patches[start : start + size], self.bench.device)
            with self.bench.precision:
                pictures = self.network(x, self.options.iterations).float()
            terms = self._terms(x, pictures)
            torch.autograd.backward(terms["loss"].sum() / len(patches))
            records.append({name: float(term.detach().sum()) for name, term in terms.items()})
        return per_picture(records, len(patches))

    def validate(self, network: nn.Module) -> Scores:
        """PSNR by iteration, and BD-rates against the codec, on the pictures kept apart."""
        return self._validation(network)

    def describe(self) -> dict[str, Any]:
        """Iterations, λ, γ, layer and recognisers."""
        options = self.options
        aim: dict[str, Any] = {"iterations": options.iterations, "lmbda": options.lmbda}
        if not options.models:
            return aim
        return {**aim, "gamma": options.gamma, **described(self.bench.losses)}

    def _terms(self, x: Tensor, pictures: Tensor) -> dict[str, Tensor]:
        """The loss and its terms of every patch, (N,) each."""
        errors = torch.stack([mean_squared_error(picture, x) for picture in pictures])
        terms = {"loss": errors.mean(0), "mse": errors[-1]}
        if self.bench.losses:
            drawn = int(torch.randint(len(pictures), ()))
            d_m = {
                name: loss(loss.target(x, [None] * len(x)), pictures[drawn])
                for name, loss in self.bench.losses.items()
            }
            terms["loss"] = terms["loss"] + self.options.lmbda * torch.stack([*d_m.values()]).mean(
                0
            )
            terms |= {f"d_m.{name}": value for name, value in d_m.items()}
        return terms

    @cached_property
    def _validation(self) -> IterationsValidation:
        images = _middles(self.bench, self.bench.pictures.validation)
        pool, device, report = self.bench.pool, self.bench.device, self.bench.report
        return IterationsValidation(pool, images, device, report, _BPP, self.options.iterations)


def _middles(bench: Workbench, paths: Sequence[Path]) -> list[Image]:
    return bench.pictures.centres(paths, _WHOLE, bench.report)
