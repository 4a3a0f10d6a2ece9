"""Training of "Semantic Preserving Image Compression": latents for recognition and for pixels.

    y ← analysis(x);  ŷ ← y rounded to multiples of 128/QF      QF drawn for each picture
    L ← mse(synthesis(ŷ), x) + α·R(ŷ) + β·(QF/16)²·L_c(classifier(ŷ))    R: bpp by the density
    network ← network − η·∂L/∂network                           rounding passes gradients through

L_c is the divergence from the named recognisers' prediction on the clean picture, or the
cross-entropy of the label. The slides weigh it by β alone; what rounding adds to it goes with the
square of the step, and (QF/16)² takes that out, or the coarsest steps would be all that is learnt.
With `split` the network begins as a recogniser that is cut in two, and the bottleneck between its
halves as the principal components of the features there, by what the classes feel. The halves stay
as they are: the bottleneck, the way back from it and the synthesis learn. After training the
prediction of latents from their neighbours and the density are fitted to those of training
pictures, and the entropy coder's counts written from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.losses import LABELS, Recognition, described
from neurocodec.losses.classification import kl_divergence
from neurocodec.losses.pixels import mean_squared_error
from neurocodec.measures.psnr import psnr_db
from neurocodec.networks.spic import Seen, Spic
from neurocodec.networks.tensors import to_images, to_tensor
from neurocodec.tasks.datasets import labels_csv
from neurocodec.training import distributed, latent_statistics, loop, splitting
from neurocodec.training.config import Config
from neurocodec.training.crops import ground_truth_of
from neurocodec.training.data import draw_qps
from neurocodec.training.finish import rewritten
from neurocodec.training.loop import Trained
from neurocodec.training.report import Record, Report
from neurocodec.training.start import weights_of
from neurocodec.training.state import per_picture
from neurocodec.training.validation import Scores
from neurocodec.training.workbench import Workbench, workbench

_NOUN = "codec of train-spic"
_QFS = (8, 12, 16, 24, 32, 48, 64, 96, 128)
_VALIDATED = (16, 48, 128)
_FITTED_ON = 2048  # training pictures, for the entropy coder
_STARTED_ON = 512  # pictures whose features the bottleneck starts from
_BATCH = 8
_EVEN_QF = 16  # at which β is recognition's weight as it stands
_UNUSED_CODEC = "jpeg"  # a workbench has one; its processes never start


@dataclass(frozen=True)
class SpicOptions:
    """The options of `train-spic` beside those of every training.

    Attributes:
        models: recognisers whose predictions are learnt; none is the one that is split.
        split: "MODEL:LAYER": begin with this recogniser, cut after the layer; or None.
        fine_tune: let the halves of a recogniser that is split learn too. Some thousand pictures
            are too few for that: they are learnt by heart.
        labels: learn the labels of the pictures in place of predictions.
        latents: channels of the latents; None is 48, or that of `start`.
        width: channels of the synthesis; None is 32, or that of `start`.
        classes: of a classifier that is no recogniser's; None is 1000, those of the labels, or
            those of `start`.
        alpha: α, the weight of the rate.
        beta: β, the weight of recognition at a quality factor of 16; see the head of this file.
        start: name or file of weights to begin with, or None; with `split` the halves are the
            recogniser's again.
    """

    models: Sequence[str] = ()
    split: str | None = None
    fine_tune: bool = False
    labels: bool = False
    latents: int | None = None
    width: int | None = None
    classes: int | None = None
    alpha: float = 0.3
    beta: float = 0.1
    start: str | None = None


def train(options: SpicOptions, config: Config, report: Report) -> Trained:
    """Train a codec whose latents are classified."""
    if options.labels and options.split is not None:
        _require_class_numbers(config.data)
    with workbench(config, report, _UNUSED_CODEC, _recognition(options)) as bench:
        torch.manual_seed(config.seed)
        network = _network(options, bench).to(bench.device)
        if not options.fine_tune:
            network.keep_recogniser()
        _check_classes(network, bench)
        algorithm = SpicAlgorithm(options, bench, network)
        trained = loop.train(algorithm, bench.crops(), bench.config, report)
        return _fitted(trained, algorithm) if distributed.is_first() else trained


def _fitted(trained: Trained, algorithm: "SpicAlgorithm") -> Trained:
    """Fit what the entropy coder goes by, and score the weights with it."""
    bench = algorithm.bench
    with rewritten(trained.weights, Spic) as network:
        images = bench.centres(bench.pictures.training[:_FITTED_ON])
        latent_statistics.fit(network, images, bench.device, bench.report)
        return replace(trained, scores=algorithm.validate(network))


def _require_class_numbers(data: Path) -> None:
    """Refuse labels that are not numbered as a recogniser's classes are."""
    if not (data / labels_csv.NAME).is_file():
        raise UsageError(
            f"--labels with --split needs {labels_csv.NAME} in --data (file, class_index): names "
            "of folders do not tell the recogniser's classes"
        )


def _recognition(options: SpicOptions) -> Recognition:
    if options.labels:
        if options.models:
            raise UsageError("--labels and --model are two goals: leave out one")
        return Recognition((), loss=LABELS)
    models = options.models or ([_cut(options.split)[0]] if options.split else ())
    if not models:
        raise UsageError("nothing to recognise: add --model NAME, --split MODEL:LAYER or --labels")
    return Recognition(models, fit="squeeze")


def _cut(split: str) -> tuple[str, str]:
    """The model and the layer of "MODEL:LAYER"."""
    model, colon, layer = split.rpartition(":")
    if not colon or not model or not layer:
        raise UsageError(f"--split is MODEL:LAYER, such as efficientnet_lite0:block10.add: {split}")
    return model, layer


@torch.no_grad()
def _check_classes(network: Spic, bench: Workbench) -> None:
    """Refuse recognisers and labels of other classes than the classifier's.

    Raises:
        UsageError: the numbers of classes differ, or a label is beyond them.
    """
    x = torch.zeros(1, 3, bench.config.size, bench.config.size, device=bench.device)
    classes = network(x, x.new_tensor([128.0])).logits.shape[1]
    for name, loss in bench.losses.items():
        count = loss.target(x, [None]).shape[1]
        if count != classes:
            raise UsageError(f"{name} has {count} classes, the codec {classes}: see --classes")
    beyond = [label for label in bench.pictures.ground_truth.values() if label >= classes]
    if beyond:
        raise UsageError(f"class {max(beyond)} is a label, but the codec has {classes} classes")


def _network(options: SpicOptions, bench: Workbench) -> Spic:
    chosen = {"latents": options.latents, "width": options.width, "classes": options.classes}
    named: dict[str, Any] = {key: value for key, value in chosen.items() if value is not None}
    if options.split is not None:
        if "classes" in named:
            raise UsageError("--classes is for a classifier of its own, not with --split")
        cut = _cut(options.split)
        if options.start is not None:
            return splitting.renew(weights_of(options.start, Spic, _NOUN, named), *cut)
        paths = bench.pictures.training[:_STARTED_ON]
        return splitting.split(*cut, named, bench.centres(paths))
    if options.start is None:
        if options.labels:
            named = {"classes": max(bench.pictures.ground_truth.values()) + 1} | named
        return Spic(**named)
    return weights_of(options.start, Spic, _NOUN, named).requires_grad_(True)


@dataclass(frozen=True, eq=False)
class SpicAlgorithm:
    """The training step of a codec."""

    options: SpicOptions
    bench: Workbench
    network: nn.Module  # (x, QF) → Seen

    kind = "spic"

    def gradients(self, images: list[Image], step: int) -> Record:
        """The loss of one batch, taken back to the network's weights."""
        self.network.train()
        qfs = draw_qps(_QFS, len(images), seed=self.bench.config.seed, step=step)
        records, size = [], self.bench.config.micro_batch
        for start in range(0, len(images), size):
            part = images[start : start + size]
            x = to_tensor(part, self.bench.device)
            qf = x.new_tensor(qfs[start : start + size])
            with self.bench.precision:
                seen = self.network(x, qf)
            terms = self._terms(x, seen, qf, ground_truth_of(part))
            torch.autograd.backward(terms["loss"].sum() / len(images))
            records.append({name: float(term.detach().sum()) for name, term in terms.items()})
        return per_picture(records, len(images))

    def _terms(self, x: Tensor, seen: Seen, qf: Tensor, truth: Sequence[Any]) -> dict[str, Tensor]:
        """The loss and its terms of every picture, (N,) each."""
        mse = mean_squared_error(x, seen.pictures.float())
        rate = seen.bits / x.shape[-2:].numel()
        recognition = self._recognition(x, seen.logits.float(), truth)
        beta = self.options.beta * (qf / _EVEN_QF).square()
        loss = mse + self.options.alpha * rate + beta * recognition
        return {"loss": loss, "mse": mse, "bpp": rate, "recognition": recognition}

    def _recognition(self, x: Tensor, logits: Tensor, truth: Sequence[Any]) -> Tensor:
        """L_c of every picture, the mean over the recognisers, (N,)."""
        if self.options.labels:
            labels = torch.tensor(truth, device=x.device)
            return functional.cross_entropy(logits, labels, reduction="none")
        return torch.stack(
            [kl_divergence(self._predicted(name, x), logits) for name in self.bench.losses]
        ).mean(0)

    def _predicted(self, name: str, x: Tensor) -> Tensor:
        """A recogniser's logits of clean pictures."""
        logits: Tensor = self.bench.losses[name].target(x, [None] * len(x))
        return logits

    @torch.no_grad()
    def validate(self, network: nn.Module) -> Scores:
        """bpp, PSNR and recognition at some quality factors, on the pictures kept apart."""
        if not self.bench.kept_apart:
            return Scores(remarks=("nothing measured: no pictures are kept apart",))
        scores = Scores()
        for qf in _VALIDATED:
            scores += self._at(network, qf)
        return scores

    def _at(self, network: nn.Module, qf: int) -> Scores:
        images = self.bench.kept_apart
        sums: dict[str, float] = {"bpp": 0.0, "psnr_db": 0.0, "agreement": 0.0}
        for start in range(0, len(images), _BATCH):
            part = images[start : start + _BATCH]
            x = to_tensor(part, self.bench.device)
            seen = network(x, x.new_full((len(x),), float(qf)))
            pairs = zip(part, to_images(seen.pictures), strict=True)
            sums["bpp"] += float(seen.bits.sum()) / x.shape[-2:].numel()
            sums["psnr_db"] += sum(psnr_db(*pair) for pair in pairs)
            sums["agreement"] += float(self._agreed(x, seen.logits, part).sum())
        means = {f"{name}.{qf}": total / len(images) for name, total in sums.items()}
        bpp, psnr, agreement = means.values()
        text = f"QF {qf}: {bpp:.3f} bpp, PSNR {psnr:.2f} dB, {agreement:.1%} recognised alike"
        return Scores(means, (text,))

    def _agreed(self, x: Tensor, logits: Tensor, images: Sequence[Image]) -> Tensor:
        """For every picture the share of the recognisers, or the label, that is met, (N,)."""
        predicted = logits.argmax(1)
        if self.options.labels:
            return (predicted == torch.tensor(ground_truth_of(images), device=x.device)).float()
        wanted = [self._predicted(name, x).argmax(1) for name in self.bench.losses]
        return torch.stack([(predicted == one).float() for one in wanted]).mean(0)

    def describe(self) -> dict[str, Any]:
        """α, β and the recognisers."""
        options = self.options
        goal = {"loss": LABELS} if options.labels else described(self.bench.losses)
        return {
            **goal,
            "alpha": options.alpha,
            "beta": options.beta,
            "split": options.split or "",
            "fine_tune": options.fine_tune,
        }
