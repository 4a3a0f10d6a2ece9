"""D_m of a detector, from its prediction on the clean picture or by its training loss on labels."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from neurocodec.errors import BadInputError, UsageError
from neurocodec.losses.recogniser_loss import RecogniserLoss
from neurocodec.networks.precision import Precision
from neurocodec.networks.recognisers import Recogniser
from neurocodec.tasks.detectors import class_table
from neurocodec.tasks.ground_truth import Boxes

_SURE = 0.3
_PARTS = {"reg", "obj", "cls"}

Target = dict[str, Tensor]


class Prediction(NamedTuple):
    """A detector's raw outputs at its A places, before boxes are selected.

    Attributes:
        objectness: (N, A), the probability of an object.
        classes: (N, A, K), the probability of each class, given an object.
        boxes: (N, A, 4), as the network has them: centre in cells, logarithm of the sides in cells.
    """

    objectness: Tensor
    classes: Tensor
    boxes: Tensor


def prediction_divergence(clean: Prediction, decoded: Prediction) -> Tensor:
    """Σₐ [B(oₐ, ôₐ) + oₐ·Σ_c B(pₐ_c, p̂ₐ_c)] + Σₐ [oₐ > 0.3]·|bₐ − b̂ₐ|₁ of every picture.

    o, p and b are the clean objectness, classes and boxes, with ^ the decoded ones. B(p, q) is the
    binary cross-entropy −p·log q − (1 − p)·log(1 − q) less its least value, so that B(p, p) = 0:
    the gradient is the same, and no constant hides the distance. The classes are weighted by
    objectness, since a detector learns no classes where no object is. The boxes' distance is
    YOLOX's, "YOLOX: Exceeding YOLO Series in 2021", in the units of its outputs.

    Args:
        clean: the prediction on the clean pictures; it gets no gradient.
        decoded: the prediction on the decoded ones.

    Returns:
        (N,), at least 0 but for rounding: nats, and cells.
    """
    objectness = _divergence(clean.objectness, decoded.objectness).sum(1)
    classes = (clean.objectness * _divergence(clean.classes, decoded.classes).sum(2)).sum(1)
    apart = (clean.boxes - decoded.boxes).abs().sum(2)
    return objectness + classes + (apart * (clean.objectness > _SURE)).sum(1)


def _divergence(clean: Tensor, decoded: Tensor) -> Tensor:
    crossed = functional.binary_cross_entropy(decoded, clean, reduction="none")
    return crossed - functional.binary_cross_entropy(clean, clean, reduction="none")


class ToPrediction(RecogniserLoss):
    """`prediction_divergence` of YOLOX: no labels are needed.

    Raises:
        UsageError: the outputs of this recogniser are not known place by place.
        BadInputError: its description does not name them.
    """

    task: ClassVar[str] = "detection"

    def __init__(self, recogniser: Recogniser, precision: Precision, loss: str) -> None:
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
    def target(self, clean: Tensor, ground_truth: Sequence[Any]) -> Prediction:
        """The prediction on the clean pictures."""
        return self._predict(clean)

    def __call__(self, target: Prediction, decoded: Tensor) -> Tensor:
        """The divergence of every picture, (N,)."""
        return prediction_divergence(target, self._predict(decoded))

    def _predict(self, pictures: Tensor) -> Prediction:
        with self._precision:
            outputs = self._recogniser(pictures)
        objectness, classes, boxes = (
            torch.cat([outputs[head[part]].float().flatten(2).mT for head in self._heads], dim=1)
            for part in ("obj", "cls", "reg")
        )
        return Prediction(objectness.squeeze(2), classes, boxes)


class DetectorLoss(RecogniserLoss):
    """The loss that torchvision trains its detectors by, on labels: the sum of its parts.

    Normalisations keep their statistics, and nothing is dropped out.

    Raises:
        UsageError: the recogniser has no training loss.
        BadInputError: its description does not name its classes.
    """

    task: ClassVar[str] = "detection"

    def __init__(self, recogniser: Recogniser, precision: Precision, loss: str) -> None:
        super().__init__(recogniser, precision, loss)
        if recogniser.preprocessing is not None:
            raise UsageError(
                f"{recogniser.name}: has no training loss of its own: leave --loss labels out"
            )
        labels = enumerate(class_table(recogniser).tolist())
        self._labels = {class_id: label for label, class_id in labels if class_id >= 0}

    def target(self, clean: Tensor, ground_truth: Sequence[Boxes]) -> list[Target]:
        """The boxes in the form of torchvision's detectors.

        Raises:
            BadInputError: the detector does not know a box's class.
        """
        return [self._target(boxes, clean.device) for boxes in ground_truth]

    def __call__(self, target: Sequence[Target], decoded: Tensor) -> Tensor:
        """The loss of every picture, (N,)."""
        with self._precision, _losing(self._recogniser.network) as network:
            summed = [
                torch.stack(list(network([picture], [boxes]).values())).sum()
                for picture, boxes in zip(decoded, target, strict=True)
            ]
        return torch.stack(summed).float()

    def _target(self, boxes: Boxes, device: torch.device) -> Target:
        real = ~boxes.is_crowd
        class_ids = boxes.class_ids[real].tolist()
        unknown = set(class_ids) - self._labels.keys()
        if unknown:
            raise BadInputError(
                f"{self._recogniser.name}: does not know the data's class {min(unknown)}"
            )
        labels = [self._labels[class_id] for class_id in class_ids]
        return {
            "boxes": torch.tensor(boxes.xyxy[real], dtype=torch.float32, device=device),
            "labels": torch.tensor(labels, dtype=torch.int64, device=device),
        }


@contextmanager
def _losing(network: nn.Module) -> Iterator[nn.Module]:
    """The network in the mode that returns losses; in evaluation mode again afterwards."""
    for module in network.modules():
        module.training = not isinstance(module, _BatchNorm | _DropoutNd)
    try:
        yield network
    finally:
        network.eval()
