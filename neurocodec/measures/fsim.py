"""Feature similarity."""

import piq

from neurocodec.images import Image
from neurocodec.networks.tensors import to_tensor

MIN_SIDE = 2


def fsim(original: Image, decoded: Image) -> float | None:
    """FSIMc of Zhang, Zhang, Mou and Zhang (2011), by piq.

    Args:
        original: any size.
        decoded: of that size.

    Returns:
        In [0, 1]; 1 where the images are equal; None for a side of 1 px, which has no gradient.

    Raises:
        ValueError: the sizes differ.
    """
    if min(original.width, original.height) < MIN_SIDE:
        return None
    x, x_hat = to_tensor([original, decoded]).chunk(2)
    return float(piq.fsim(x, x_hat, data_range=1.0, chromatic=True))
