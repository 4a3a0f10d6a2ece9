"""The interface of a task, and the table of tasks."""

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from neurocodec import registry
from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.tasks.datasets import DataSet

if TYPE_CHECKING:
    from torch import Tensor

TASKS = {
    "classification": "neurocodec.tasks.classification:Classification",
    "detection": "neurocodec.tasks.detection:Detection",
    "segmentation": "neurocodec.tasks.segmentation:Segmentation",
    "pose": "neurocodec.tasks.pose:Pose",
    "fidelity": "neurocodec.tasks.fidelity:Fidelity",
}


@dataclass(frozen=True)
class Metric:
    """A score that a task computes; the higher, the better.

    Attributes:
        name: its key in results.
        title: the heading of a column.
        axis_label: the label of a plot's axis, with the unit.
        percent: the score is in [0, 1] and reads well in per cent.
        compared: curves are plotted and compared by it; other metrics are only recorded.
        primary: it stands for its task where there is room for one metric.
        absent: why a result may lack it, for a table's cell.
    """

    name: str
    title: str
    axis_label: str
    percent: bool = False
    compared: bool = True
    primary: bool = False
    absent: str = "not measured"


AGREEMENT = Metric(
    "agreement", "agreement", "agreement with the prediction on the original", percent=True
)
"""The score against the predictions on the original images, for data without labels."""


@dataclass(frozen=True, eq=False)
class PictureScore:
    """The score of the prediction on one decoded image.

    Attributes:
        scores: by metric name, where a set's score is the mean over its images; higher is better.
        evidence: plain JSON values from which the task computes the scores of a set that are no
            mean over images (mAP, mIoU); empty where all are means.
    """

    scores: Mapping[str, float]
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Task(ABC):
    """A recogniser and what it is asked to predict.

    A task's module imports without torch, so that reports can read its metrics quickly.

    Attributes:
        name: its key in TASKS.
        metrics: in the order of a report's columns.
        keeps_originals: `score` compares with the original image itself; the caller reads it
            again and passes it as the clean prediction, so that no set of images is kept in memory.
        model: the recogniser's name in results.
        model_sha256: SHA-256 of its weights file, or of its tensors where there is no file.
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    keeps_originals: ClassVar[bool] = False
    model: str
    model_sha256: str

    @abstractmethod
    def predict(self, images: Sequence[Image]) -> list[Any]:
        """The prediction on each image, of whatever size."""

    def predict_at(self, images: Sequence[Image], ground_truth: Sequence[Any]) -> list[Any]:
        """The prediction on each image, with the data set's labels where they say where to look.

        Raises:
            BadInputError: the recogniser needs labels that an image lacks.
        """
        return self.predict(images)

    @abstractmethod
    def score(
        self, prediction: Any, clean_prediction: Any, ground_truth: Any | None
    ) -> PictureScore:
        """Score the prediction on a decoded image.

        Args:
            prediction: from `predict`, on the decoded image.
            clean_prediction: from `predict`, on the original.
            ground_truth: the data set's label of the image (see ground_truth.py), or None.
        """

    @staticmethod
    def score_set(pictures: Sequence[PictureScore]) -> dict[str, float]:
        """Score a set of images: the mean of every score that all of them have.

        An image may occur more than once (a bootstrap replicate). No recogniser is needed.
        """
        shared = [
            name
            for name in (pictures[0].scores if pictures else ())
            if all(name in picture.scores for picture in pictures)
        ]
        return {n: math.fsum(p.scores[n] for p in pictures) / len(pictures) for n in shared}

    def align(self, data: DataSet) -> DataSet:
        """The data set with its labels numbered as the recogniser numbers its classes."""
        return data


class RecognitionTask(Task):
    """A task with a recogniser.

    Args:
        model: as `recognisers.load` takes it.
        device: "cpu", "cuda" or "auto".

    Raises:
        UsageError: no such model, or one for another task.
        MissingError: its weights cannot be had.
        BadInputError: its file or its description is damaged.
    """

    def __init__(self, model: str, device: str = "cpu") -> None:
        from neurocodec.networks.recognisers import load

        self._recogniser = load(model, device)
        if self._recogniser.kind != self.name:
            raise UsageError(f"{model}: is made for {self._recogniser.kind}, not for {self.name}")
        self.model = self._recogniser.name
        self.model_sha256 = self._recogniser.model_sha256

    def _tensor(self, image: Image) -> "Tensor":
        """The image as (1, 3, H, W), on the recogniser's device."""
        from neurocodec.networks.tensors import to_tensor

        return to_tensor([image], self._recogniser.device)


def create(name: str, model: str = "", device: str = "cpu", lpips_weights: str = "") -> Task:
    """Load a task with its recogniser.

    Args:
        name: a key of TASKS.
        model: a torchvision or timm name, or the path of a .safetensors file.
        device: "cpu", "cuda" or "auto".
        lpips_weights: the file of LPIPS's weights, for "fidelity".

    Raises:
        UsageError: unknown task or model, or an option that the task does not use.
        MissingError: the model's weights cannot be had.
    """
    task_class = registry.load(TASKS, name, "task")
    used = inspect.signature(task_class).parameters
    for option, value in {"model": model, "lpips_weights": lpips_weights}.items():
        if value and option not in used:
            flag = "--" + option.replace("_", "-")
            raise UsageError(f"--task {name} does not use {flag}: leave it out")
    if "model" in used and not model:
        raise UsageError(f"--task {name} needs a recogniser: add --model NAME or --model FILE")
    options = {"model": model, "device": device, "lpips_weights": lpips_weights}
    task: Task = task_class(**{key: value for key, value in options.items() if key in used})
    return task


def metrics() -> dict[str, Metric]:
    """All metrics by name, in the order of TASKS."""
    return {metric.name: metric for name in TASKS for metric in metrics_of(name)}


def metrics_of(name: str) -> tuple[Metric, ...]:
    """The metrics of the task `name`.

    Raises:
        UsageError: no such task.
    """
    declared: tuple[Metric, ...] = registry.load(TASKS, name, "task").metrics
    return declared


def primary_metric(name: str, measured: Collection[str]) -> Metric | None:
    """The metric that stands for the task `name`: the primary one, else the first in `measured`.

    Args:
        name: a key of TASKS.
        measured: the metrics that the results hold, by name.
    """
    declared = [m for m in metrics_of(name) if m.compared and m.name in measured]
    return next((m for m in declared if m.primary), declared[0] if declared else None)
