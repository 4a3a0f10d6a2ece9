"""D_m, the loss of a recogniser on decoded pictures: the interface, and the table of losses."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from neurocodec import registry
from neurocodec.errors import UsageError
from neurocodec.networks import recognisers
from neurocodec.networks.precision import Precision
from neurocodec.networks.recognisers import Recogniser

LOSSES = {
    "classification": {
        "kl": "neurocodec.losses.classification:KlToPrediction",
        "labels": "neurocodec.losses.classification:CrossEntropy",
        "features": "neurocodec.losses.features:Features",
        "kl+features": "neurocodec.losses.features:KlAndFeatures",
    },
    "detection": {
        "prediction": "neurocodec.losses.detection:ToPrediction",
        "answer": "neurocodec.losses.detection:ToPrediction",
        "labels": "neurocodec.losses.detection:DetectorLoss",
    },
    "segmentation": {"prediction": "neurocodec.losses.segmentation:MapsToPrediction"},
    "pose": {"prediction": "neurocodec.losses.pose:JointsToPrediction"},
}
"""By task, the default first; "answer" is the former name of "prediction"."""

LABELS = "labels"


@dataclass(frozen=True)
class Recognition:
    """The recognisers of a training or a search, and their loss.

    Attributes:
        models: as `recognisers.load` takes them.
        task: a key of LOSSES.
        loss: "name:key=value", D_m; None is the task's default.
        fit: how classifiers are shown pictures, as `Preprocessing` has it; None is "crop", what
            is common.
    """

    models: Sequence[str]
    task: str = "classification"
    loss: str | None = None
    fit: str | None = None


class RecogniserLoss(ABC):
    """D_m of one recogniser; `loss` is its name and settings, as typed."""

    task: ClassVar[str]

    def __init__(self, recogniser: Recogniser, precision: Precision, loss: str) -> None:
        self.loss = loss
        self._recogniser = recogniser.to(memory_format=torch.channels_last)
        self._precision = precision

    @property
    def fingerprint(self) -> str:
        """A text that is equal only for recognisers of equal weights and descriptions."""
        described = json.dumps(self._recogniser.description, sort_keys=True)
        return f"{self.model_sha256} {described}"

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the recogniser's weights."""
        return self._recogniser.model_sha256

    @abstractmethod
    def target(self, clean: Tensor, ground_truth: Sequence[Any]) -> Any:
        """The goal for the predictions on decoded pictures; it has no gradient.

        Args:
            clean: the clean pictures, (N, 3, H, W) in [0, 1].
            ground_truth: of each picture; None serves all losses but "labels".

        Raises:
            BadInputError: the recogniser does not know a class of the ground truth.
        """

    @abstractmethod
    def __call__(self, target: Any, decoded: Tensor) -> Tensor:
        """D_m of the decoded pictures against `target`, (N,), at least 0."""


def load(recognition: Recognition, device: str, precision: Precision) -> dict[str, RecogniserLoss]:
    """D_m by recogniser, under the name of its file.

    Raises:
        UsageError: unknown task, loss or model, a model that does not serve the task or the loss,
            or two of one name.
        MissingError: weights cannot be had.
        BadInputError: a file is damaged.
    """
    models, task, loss = recognition.models, recognition.task, recognition.loss
    if task not in LOSSES:
        raise UsageError(f"no loss is known for {task!r}: the known tasks are {', '.join(LOSSES)}")
    names = [Path(model).stem for model in models]
    if len(set(names)) < len(names):
        raise UsageError(f"two models of one name among {', '.join(models)}: rename a file")
    chosen = loss or next(iter(LOSSES[task]))
    losses: dict[str, RecogniserLoss] = {}
    for name, model in zip(names, models, strict=True):
        recogniser = recognisers.load(model, device)
        if recogniser.kind != task:
            known = f"add --task {recogniser.kind}" if recogniser.kind in LOSSES else "name another"
            raise UsageError(f"{model}: is made for {recogniser.kind}, not for {task}: {known}")
        if recognition.fit is not None:
            recogniser.see(recognition.fit)
        context = {"recogniser": recogniser, "precision": precision, "loss": chosen}
        losses[name] = registry.create(LOSSES[task], chosen, f"loss for {task}", **context)
    return losses


def described(losses: Mapping[str, RecogniserLoss]) -> dict[str, Any]:
    """Task, loss and recognisers, for the weights file."""
    one = next(iter(losses.values()))
    return {"task": one.task, "loss": one.loss, "recognisers": list(losses)}
