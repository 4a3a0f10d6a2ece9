"""Peak signal-to-noise ratio."""

import math

import numpy as np

from neurocodec.images import Image


def psnr_db(original: Image, decoded: Image) -> float:
    """10·log10(255² / MSE), the mean squared error over all samples of R, G and B together.

    Args:
        original: any size.
        decoded: of that size.

    Returns:
        dB; inf where the images are equal.

    Raises:
        ValueError: the sizes differ.
    """
    difference = np.subtract(original.pixels, decoded.pixels, dtype=np.float64)
    error = float(np.mean(difference**2))
    return 10 * math.log10(255**2 / error) if error else math.inf
