"""Small patches of training pictures at their own size: what codecs learn on."""

import numpy as np

from neurocodec.images import Image
from neurocodec.training.crops import random_crop
from neurocodec.training.data import Crops

PER_PICTURE = 16


class Patches(Crops):
    """An endless sequence of batches of square patches, PER_PICTURE of a picture where it has them.

    A picture is cut into squares of `config.size` that do not overlap, from a random corner on,
    and mirrored half of the time; only one smaller than a patch is resized. The rest is as with
    `Crops`.
    """

    def _numbers(self, step: int) -> range:
        pictures = max(1, self._config.batch // PER_PICTURE)
        return range(step * pictures, (step + 1) * pictures)

    def _of(self, number: int) -> list[Image]:
        rng = np.random.default_rng([self._config.seed, 1, number])
        picture, size = self._picture(number), self._config.size
        if min(picture.width, picture.height) < size:
            return [random_crop(picture, size, rng).example(picture)]
        pixels = picture.pixels
        tops, lefts = _starts(picture.height, size, rng), _starts(picture.width, size, rng)
        corners = [(top, left) for top in tops for left in lefts]
        chosen = rng.permutation(len(corners))[: min(PER_PICTURE, self._config.batch)]
        step = -1 if rng.random() < 0.5 else 1
        return [
            Image(pixels[top : top + size, left : left + size][:, ::step].copy())
            for top, left in (corners[place] for place in chosen)
        ]


def _starts(length: int, size: int, rng: np.random.Generator) -> range:
    """Where squares begin along a side, the first one anywhere."""
    room = length - size
    return range(int(rng.integers(0, min(room, size - 1) + 1)), room + 1, size)
