"""D_m of a detector that answers at every place of a grid, from its own answer to the clean one."""

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

SURE = 0.3


class Answer(NamedTuple):
    """What a detector says at its A places, before anything is chosen from it.

    Attributes:
        objectness: (N, A), the probability that something is there.
        classes: (N, A, K), the probability of each class, were something there.
        boxes: (N, A, 4), as the network has them: centre in cells, logarithm of the sides in cells.
    """

    objectness: Tensor
    classes: Tensor
    boxes: Tensor


def answer_divergence(clean: Answer, decoded: Answer) -> Tensor:
    """Σₐ [B(oₐ, ôₐ) + oₐ·Σ_c B(pₐ_c, p̂ₐ_c)] + Σₐ [oₐ > 0.3]·|bₐ − b̂ₐ|₁ of every picture.

    o, p and b are the clean objectness, classes and boxes, with ^ the decoded ones. B(p, q) is the
    binary cross-entropy −p·log q − (1 − p)·log(1 − q) less its least value, B(p, p) = 0: the same
    gradient, and no constant that hides how far the answers are apart. The classes are weighted by
    the objectness, since a detector learns nothing of classes where nothing is. The boxes'
    distance is YOLOX's own, "YOLOX: Exceeding YOLO Series in 2021", in the units of its outputs.

    Args:
        clean: the detector's answer to the clean pictures; it gets no gradient.
        decoded: to the decoded ones.

    Returns:
        (N,), at least 0 but for rounding: nats, and cells.
    """
    objectness = _divergence(clean.objectness, decoded.objectness).sum(1)
    classes = (clean.objectness * _divergence(clean.classes, decoded.classes).sum(2)).sum(1)
    apart = (clean.boxes - decoded.boxes).abs().sum(2)
    return objectness + classes + (apart * (clean.objectness > SURE)).sum(1)


def _divergence(clean: Tensor, decoded: Tensor) -> Tensor:
    crossed = functional.binary_cross_entropy(decoded, clean, reduction="none")
    return crossed - functional.binary_cross_entropy(clean, clean, reduction="none")
