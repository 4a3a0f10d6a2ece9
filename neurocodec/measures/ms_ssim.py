"""Multi-scale structural similarity."""

import piq

from neurocodec.images import Image
from neurocodec.networks.tensors import to_tensor

MIN_SIDE = 161


def ms_ssim(original: Image, decoded: Image) -> float | None:
    """MS-SSIM of Wang, Simoncelli and Bovik (2003), mean of R, G and B, by piq.

    Args:
        original: any size.
        decoded: of that size.

    Returns:
        At most 1, where the images are equal; None for a side of 160 px or less, whose fifth
        scale would be smaller than the 11×11 window.

    Raises:
        ValueError: the sizes differ.
    """
    if min(original.width, original.height) < MIN_SIDE:
        return None
    x, x_hat = to_tensor([original, decoded]).chunk(2)
    return float(piq.multi_scale_ssim(x, x_hat, data_range=1.0))
