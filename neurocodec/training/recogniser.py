"""Fine-tuning of a classifier on decoded pictures, after which filters are trained for it.

"Preprocessing Enhanced Image Compression for Machine Vision", section 4.4 and appendix A.3:

    x̂ ← codec(x, QP)                              the real one, a QP drawn for every picture
    L ← KL(teacher(x) ‖ student(x̂))
    student ← student − η·∂L/∂student             the teacher is the classifier as it was

The paper has the labels' loss; the teacher's predictions on the clean pictures serve without them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.losses import RecogniserLoss, Recognition
from neurocodec.losses.classification import KlToPrediction, kl_divergence
from neurocodec.networks import recognisers
from neurocodec.networks.recognisers.tuned import Tuned
from neurocodec.networks.tensors import to_tensor
from neurocodec.training import loop, validation
from neurocodec.training.config import Config
from neurocodec.training.crops import ground_truth_of
from neurocodec.training.data import draw_qps
from neurocodec.training.loop import Trained
from neurocodec.training.report import Record, Report
from neurocodec.training.scoring import per_picture as scored
from neurocodec.training.state import per_picture
from neurocodec.training.validation import Scores
from neurocodec.training.workbench import Workbench, workbench


@dataclass(frozen=True)
class RecogniserOptions:
    """The options of `finetune-recogniser` beside those of every training.

    Attributes:
        codec: "name:key=value".
        qps: to draw from.
        model: the classifier, as `recognisers.load` takes it.
    """

    codec: str
    qps: Sequence[int]
    model: str


def train(options: RecogniserOptions, config: Config, report: Report) -> Trained:
    """Fine-tune a classifier on the codec's decoded pictures."""
    recogniser = recognisers.load(options.model)
    if recogniser.kind != "classification":
        raise UsageError(f"{options.model}: is made for {recogniser.kind}: name a classifier")
    with workbench(config, report, options.codec, Recognition([options.model])) as bench:
        network = Tuned.of(recogniser)
        network.freeze_unused()
        network = network.to(bench.device)
        (teacher,) = bench.losses.values()
        algorithm = RecogniserAlgorithm(options, bench, network, teacher)
        return loop.train(algorithm, bench.crops(), bench.config, report)


@dataclass(frozen=True, eq=False)
class RecogniserAlgorithm:
    """The training step of a classifier."""

    options: RecogniserOptions
    bench: Workbench
    network: nn.Module  # pictures → logits
    teacher: RecogniserLoss

    kind = "recogniser"

    def gradients(self, images: list[Image], step: int) -> Record:
        """The loss of one batch, taken back to the classifier's weights."""
        qps = draw_qps(self.options.qps, len(images), seed=self.bench.config.seed, step=step)
        coded = self.bench.pool.submit(images, qps)()
        records, size = [], self.bench.config.micro_batch
        for start in range(0, len(images), size):
            part = slice(start, start + size)
            clean = to_tensor(images[part], self.bench.device)
            decoded = to_tensor([one.image for one in coded[part]], self.bench.device)
            target = self.teacher.target(clean, ground_truth_of(images[part]))
            with self.bench.precision:
                logits = self.network(decoded)
            loss = kl_divergence(target, logits.float()).sum()
            torch.autograd.backward(loss / len(images))
            rate = sum(one.bpp for one in coded[part])
            records.append({"loss": float(loss.detach()), "bpp": rate})
        return per_picture(records, len(images))

    def validate(self, network: nn.Module) -> Scores:
        """The rate that fine-tuning saves at equal KL, on the pictures kept apart."""
        return self._validation(network)

    def describe(self) -> dict[str, Any]:
        """Codec, QPs and classifier."""
        codec = self.bench.pool.codec
        return {
            "codec": codec.name,
            "encoder": codec.encoder,
            "qps": [min(self.options.qps), max(self.options.qps)],
            "recognisers": list(self.bench.losses),
            "model_sha256": self.teacher.model_sha256,
        }

    @cached_property
    def _validation(self) -> "StudentValidation":
        return StudentValidation(self.bench, self.teacher)


class ToTeacher(KlToPrediction):
    """KL from a teacher's prediction on the clean picture to a student's on the decoded one."""

    def __init__(self, bench: Workbench, student: Tuned, teacher: RecogniserLoss) -> None:
        super().__init__(student.recogniser, bench.precision, teacher.loss)
        self._teacher = teacher

    def target(self, clean: Tensor, ground_truth: Sequence[Any]) -> Tensor:
        """The teacher's logits, (N, classes) float32."""
        logits: Tensor = self._teacher.target(clean, ground_truth)
        return logits


@dataclass(frozen=True, eq=False)
class StudentValidation:
    """The student beside its teacher on the same decoded pictures."""

    bench: Workbench
    teacher: RecogniserLoss

    def __call__(self, network: nn.Module) -> Scores:
        """The mean KL of both by QP, and the BD-rate at equal KL."""
        assert isinstance(network, Tuned)
        if len(self.bench.kept_apart) < validation.FEWEST:
            return Scores(remarks=(validation.too_few(self.bench.kept_apart),))
        student = ToTeacher(self.bench, network, self.teacher)
        curves = [self._plain, self._curve(student)]
        means = [curve.scores["kl"].mean(1) for curve in curves]
        texts = [
            f"QP {qp}: KL {-before:.3f}, fine-tuned {-after:.3f}"
            for qp, before, after in zip(validation.QPS, *means, strict=True)
        ]
        detail = " (what fine-tuning saves)"
        return Scores(remarks=tuple(texts)) + validation.compared("kl", detail, *curves)

    @cached_property
    def _coded(self) -> tuple[validation.Array, list[list[Image]]]:
        return validation.coded(self.bench.pool, self.bench.kept_apart, self.bench.report)

    @cached_property
    def _plain(self) -> validation.Curve:
        return self._curve(self.teacher)

    def _curve(self, loss: RecogniserLoss) -> validation.Curve:
        bpp, decoded = self._coded
        images, device = self.bench.kept_apart, self.bench.device
        losses = np.array([scored(loss, images, of_qp, device) for of_qp in decoded])
        return validation.Curve(bpp, {"kl": -losses})
