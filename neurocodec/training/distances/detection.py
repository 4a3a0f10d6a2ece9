"""D_m of a detector."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from neurocodec.errors import BadInputError, UsageError
from neurocodec.losses.detection import Answer, answer_divergence
from neurocodec.networks.precision import Precision
from neurocodec.networks.recognisers import Recogniser
from neurocodec.tasks.detectors import class_table
from neurocodec.tasks.ground_truth import Boxes
from neurocodec.training.distances.distance import OfRecogniser

_PARTS = {"reg", "obj", "cls"}

Target = dict[str, Tensor]


class ToOwnAnswer(OfRecogniser):
    """How far YOLOX's answers are apart, before boxes are chosen from them: no labels are needed.

    See `losses.detection.answer_divergence`.
    """

    task: ClassVar[str] = "detection"

    def __init__(self, recogniser: Recogniser, precision: Precision, loss: str) -> None:
        """Take the recogniser.

        Raises:
            UsageError: it is none whose outputs at every place are known.
            BadInputError: its description does not say how to read them.
        """
        super().__init__(recogniser, precision, loss)
        self._heads = recogniser.description.get("heads", [])
        if not self._heads:
            raise UsageError(
                f"{recogniser.name}: only YOLOX as a list of operations can be trained for "
                "without labels: add --loss labels"
            )
        if not all(head.keys() >= _PARTS for head in self._heads):
            raise BadInputError(
                f"{recogniser.name}: its description must say reg, obj and cls of every head"
            )

    @torch.no_grad()
    def answer(self, clean: Tensor, truths: Sequence[Any]) -> Answer:
        """The detector's answer to the clean pictures."""
        return self._ask(clean)

    def __call__(self, answer: Answer, decoded: Tensor) -> Tensor:
        """The divergence of every picture, (N,)."""
        return answer_divergence(answer, self._ask(decoded))

    def _ask(self, pictures: Tensor) -> Answer:
        with self._precision:
            outputs = self._recogniser(pictures)
        objectness, classes, boxes = (
            torch.cat([outputs[head[part]].float().flatten(2).mT for head in self._heads], dim=1)
            for part in ("obj", "cls", "reg")
        )
        return Answer(objectness.squeeze(2), classes, boxes)


class OwnLoss(OfRecogniser):
    """What torchvision trains its detector by, from labels: the sum of the detector's own losses.

    Its normalisations keep the statistics that they have, and nothing is dropped out.
    """

    task: ClassVar[str] = "detection"

    def __init__(self, recogniser: Recogniser, precision: Precision, loss: str) -> None:
        """Take the recogniser.

        Raises:
            UsageError: it has no loss of its own.
            BadInputError: its description does not name its classes.
        """
        super().__init__(recogniser, precision, loss)
        if recogniser.preprocessing is not None:
            raise UsageError(
                f"{recogniser.name}: has no training loss of its own: leave --loss labels out"
            )
        labels = enumerate(class_table(recogniser).tolist())
        self._labels = {class_id: label for label, class_id in labels if class_id >= 0}

    def answer(self, clean: Tensor, truths: Sequence[Boxes]) -> list[Target]:
        """The boxes as torchvision's detectors want them.

        Raises:
            BadInputError: a box is of a class that the detector does not know.
        """
        return [self._target(truth, clean.device) for truth in truths]

    def __call__(self, answer: Sequence[Target], decoded: Tensor) -> Tensor:
        """The loss of every picture, (N,)."""
        with self._precision, _losing(self._recogniser.network) as network:
            summed = [
                torch.stack(list(network([picture], [target]).values())).sum()
                for picture, target in zip(decoded, answer, strict=True)
            ]
        return torch.stack(summed).float()

    def _target(self, truth: Boxes, device: torch.device) -> Target:
        real = ~truth.is_crowd
        unknown = set(truth.class_ids[real].tolist()) - self._labels.keys()
        if unknown:
            raise BadInputError(
                f"{self._recogniser.name}: does not know the data's class {min(unknown)}"
            )
        labels = [self._labels[class_id] for class_id in truth.class_ids[real].tolist()]
        return {
            "boxes": torch.tensor(truth.xyxy[real], dtype=torch.float32, device=device),
            "labels": torch.tensor(labels, dtype=torch.int64, device=device),
        }


@contextmanager
def _losing(network: nn.Module) -> Iterator[nn.Module]:
    """The network in the mode in which it gives losses; in evaluation mode again afterwards."""
    for module in network.modules():
        module.training = not isinstance(module, _BatchNorm | _DropoutNd)
    try:
        yield network
    finally:
        network.eval()
