"""What a task is, and the table of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from neurocodec import registry
from neurocodec.images import Image

TASKS = {
    "classification": "neurocodec.tasks.classification:Classification",
    "detection": "neurocodec.tasks.detection:Detection",
    "segmentation": "neurocodec.tasks.segmentation:Segmentation",
    "pose": "neurocodec.tasks.pose:Pose",
    "fidelity": "neurocodec.tasks.fidelity:Fidelity",
}


@dataclass(frozen=True)
class PictureScore:
    """How one decoded picture was answered.

    Attributes:
        scores: by metric name, where a set's score is the mean over its pictures; higher is better.
        evidence: plain JSON values from which the task computes the scores of a set that are no
            mean over pictures (mAP, mIoU); empty where all are means.
    """

    scores: Mapping[str, float]
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Task(Protocol):
    """A recogniser asked one kind of question.

    Attributes:
        name: its key in TASKS.
        model: what the recogniser is called in results.
        model_sha256: of its weights file, or of its state where there is no file.
        keeps_originals: the original picture itself is the clean prediction.
    """

    name: ClassVar[str]
    keeps_originals: ClassVar[bool] = False

    @property
    def model(self) -> str:
        """What the recogniser is called in results."""

    @property
    def model_sha256(self) -> str:
        """Of the recogniser's weights file, or of its tensors where there is no file."""

    def predict(self, images: Sequence[Image]) -> list[Any]:
        """The recogniser's answer to each picture, of whatever sizes they are."""

    def score(self, answer: Any, clean: Any, truth: Any | None) -> PictureScore:
        """How good `answer` to a decoded picture is.

        Args:
            answer: what `predict` gave for the decoded picture.
            clean: what `predict` gave for the original.
            truth: the label that the data has for the picture (see data.py), or None.
        """

    @staticmethod
    def score_set(pictures: Sequence[PictureScore]) -> dict[str, float]:
        """The scores of a set of pictures: means, and what only a whole set has.

        A picture may occur more than once (a bootstrap replicate). A score that the pictures do
        not give, or that is undefined for them, is left out. No recogniser is needed.
        """


def create(name: str, model: str, device: str = "cpu") -> Task:
    """The task `name` with the recogniser `model` ready to answer.

    Args:
        name: a key of TASKS.
        model: a torchvision or timm name, or the path of a .safetensors file; for "fidelity"
            the path of LPIPS's weights, or "".
        device: "cpu", "cuda" or "auto".

    Raises:
        UsageError: unknown task or model.
        MissingError: the model's weights cannot be had.
    """
    task: Task = registry.load(TASKS, name, "task")(model, device)
    return task
