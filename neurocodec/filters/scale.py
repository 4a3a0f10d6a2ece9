"""Encoding at a fraction of the size; the file then has that size."""

from dataclasses import replace

import numpy as np
import PIL.Image

from neurocodec.errors import UsageError
from neurocodec.filters.filter import Filter
from neurocodec.images import Image


class Scale(Filter):
    """Shrinks alike at every QP.

    Args:
        factor: of the new sides to the old ones, above 0 and at most 1.

    Raises:
        UsageError: factor out of its range.
    """

    def __init__(self, factor: float = 0.5) -> None:
        if not 0 < factor <= 1:
            raise UsageError(f"scale:factor is above 0 and at most 1, not {factor:g}")
        self.factor = factor

    def __call__(self, image: Image, qp: float) -> Image:
        """Shrink a picture to round(side · factor) pixels a side, at least 1.

        Pillow's Lanczos resampling, which widens its window when it shrinks and so does not
        alias. Colour counts in proportion to its alpha: what is hidden under alpha 0 does not
        bleed into view.
        """
        width, height = (max(1, round(n * self.factor)) for n in (image.width, image.height))
        if (width, height) == (image.width, image.height):
            return image
        planes = image.pixels if image.alpha is None else np.dstack([image.pixels, image.alpha])
        values = np.array(
            PIL.Image.fromarray(planes).resize((width, height), PIL.Image.Resampling.LANCZOS)
        )
        alpha = None if image.alpha is None else values[..., 3].copy()
        return replace(image, pixels=np.ascontiguousarray(values[..., :3]), alpha=alpha)
