"""What a D_m is, the table of them, and what all of them share."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from neurocodec import registry
from neurocodec.errors import UsageError
from neurocodec.networks import recognisers
from neurocodec.networks.precision import Precision
from neurocodec.networks.recognisers import Recogniser

LOSSES = {
    "classification": {
        "kl": "neurocodec.training.distances.classification:KlToOwnAnswer",
        "labels": "neurocodec.training.distances.classification:CrossEntropy",
        "features": "neurocodec.training.distances.features:Features",
        "kl+features": "neurocodec.training.distances.features:KlAndFeatures",
    },
    "detection": {
        "answer": "neurocodec.training.distances.detection:ToOwnAnswer",
        "labels": "neurocodec.training.distances.detection:OwnLoss",
    },
}
"""By task, its own default first."""

LABELS = "labels"


class Distance(Protocol):
    """D_m of one recogniser.

    Attributes:
        task: a key of LOSSES.
        loss: what it is by, with its settings as they were typed.
    """

    @property
    def task(self) -> str:
        """A key of LOSSES."""

    @property
    def loss(self) -> str:
        """The loss's name, with its settings as they were typed."""

    def answer(self, clean: Tensor, truths: Sequence[Any]) -> Any:
        """What the decoded pictures should be answered with, without a gradient.

        Args:
            clean: the pictures, (N, 3, H, W) in [0, 1].
            truths: what the data says of each; None, where it does not, serves but "labels".

        Raises:
            BadInputError: a truth is none of the recogniser's.
        """

    def __call__(self, answer: Any, decoded: Tensor) -> Tensor:
        """D_m of the decoded pictures against `answer`, (N,), at least 0."""


class OfRecogniser:
    """What every D_m keeps: the recogniser, and what it is asked for."""

    task: ClassVar[str]

    def __init__(self, recogniser: Recogniser, precision: Precision, loss: str) -> None:
        """Take the recogniser.

        Args:
            recogniser: for the task of this class.
            precision: that it computes in.
            loss: as it was typed.
        """
        self.loss = loss
        self._recogniser = recogniser.to(memory_format=torch.channels_last)
        self._precision = precision


def load(
    models: Sequence[str],
    device: str,
    precision: Precision,
    task: str = "classification",
    loss: str | None = None,
) -> dict[str, Distance]:
    """D_m by recogniser, named as its file is.

    Args:
        models: as `recognisers.load` takes them.
        device: "cpu" or "cuda".
        precision: that recognisers compute in.
        task: a key of LOSSES.
        loss: "name:key=value", the name one of the task's in LOSSES; None is its default.

    Raises:
        UsageError: unknown task, loss or model, a model for another task, one that does not
            serve the loss, or two of one name.
        MissingError: weights cannot be had.
        BadInputError: a file is damaged.
    """
    if task not in LOSSES:
        raise UsageError(f"nothing trains for {task!r}: the known tasks are {', '.join(LOSSES)}")
    names = [Path(model).stem for model in models]
    if len(set(names)) < len(names):
        raise UsageError(f"two models of one name among {', '.join(models)}: rename a file")
    asked = loss or next(iter(LOSSES[task]))
    return {
        name: _distance(model, device, precision, task, asked)
        for name, model in zip(names, models, strict=True)
    }


def objective(distances: Mapping[str, Distance]) -> dict[str, Any]:
    """What a weights file says of its training's aim: task, loss and recognisers."""
    one = next(iter(distances.values()))
    return {"task": one.task, "loss": one.loss, "recognisers": list(distances)}


def _distance(model: str, device: str, precision: Precision, task: str, loss: str) -> Distance:
    recogniser = recognisers.load(model, device)
    if recogniser.kind != task:
        known = f"add --task {recogniser.kind}" if recogniser.kind in LOSSES else "name another"
        raise UsageError(f"{model}: is made for {recogniser.kind}, not for {task}: {known}")
    made: Distance = registry.create(
        LOSSES[task],
        loss,
        f"loss for {task}",
        recogniser=recogniser,
        precision=precision,
        loss=loss,
    )
    return made
