"""Structural and feature similarity, by piq."""

import piq

from neurocodec.images import Image
from neurocodec.networks.tensors import to_tensor

MS_SSIM_MIN_SIDE = 161  # below, the fifth scale is smaller than the 11×11 window
FSIM_MIN_SIDE = 2  # 1 px has no gradient


def ms_ssim(original: Image, decoded: Image) -> float | None:
    """MS-SSIM of Wang, Simoncelli and Bovik (2003), mean of R, G and B.

    Returns:
        At most 1, where the images are equal; None for a side below 161 px.

    Raises:
        ValueError: the sizes differ.
    """
    if min(original.width, original.height) < MS_SSIM_MIN_SIDE:
        return None
    x, x_hat = to_tensor([original, decoded]).chunk(2)
    return float(piq.multi_scale_ssim(x, x_hat, data_range=1.0))


def fsim(original: Image, decoded: Image) -> float | None:
    """FSIMc of Zhang, Zhang, Mou and Zhang (2011).

    Returns:
        In [0, 1]; 1 where the images are equal; None for a side of 1 px.

    Raises:
        ValueError: the sizes differ.
    """
    if min(original.width, original.height) < FSIM_MIN_SIDE:
        return None
    x, x_hat = to_tensor([original, decoded]).chunk(2)
    return float(piq.fsim(x, x_hat, data_range=1.0, chromatic=True))
