"""EXIF orientation: turning stored pixels, and annotations of them, upright."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import PIL.Image
from PIL.ExifTags import Base as Tag

from neurocodec.errors import BadInputError

_UPRIGHT = 1
# By EXIF's number: swap x and y, then mirror x, then mirror y.
_STEPS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}

Floats = npt.NDArray[np.float64]
A = TypeVar("A", bound=np.generic)


@dataclass(frozen=True)
class Orientation:
    """The size and orientation of the pixels that an image file stores.

    Attributes:
        stored_size: width and height of the stored pixels.
        number: EXIF's orientation from 1 to 8; 1 is upright.
    """

    stored_size: tuple[int, int]
    number: int

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height of the upright image."""
        width, height = self.stored_size
        return (height, width) if _STEPS[self.number][0] else (width, height)

    @property
    def is_mirrored(self) -> bool:
        """True if the stored pixels show left and right exchanged."""
        return sum(_STEPS[self.number]) % 2 == 1

    def must_turn(self, size: tuple[int, int], where: str) -> bool:
        """Decide whether annotations of an image of `size` lie as the pixels are stored.

        Args:
            size: width and height that the annotations are for; 0 where they do not tell.
            where: the names of annotations and image, for messages.

        Raises:
            BadInputError: it is the size of neither the stored nor the upright image, or the size
                does not tell one from the other.
        """
        is_known = min(size) > 0
        if is_known and size not in (self.stored_size, self.upright_size):
            raise BadInputError(
                f"{where}: annotated as {size[0]}×{size[1]}, but the picture has "
                f"{self.upright_size[0]}×{self.upright_size[1]}: correct one of them"
            )
        if self.number == _UPRIGHT:
            return False
        if not is_known or self.stored_size == self.upright_size:
            raise BadInputError(
                f"{where}: EXIF turns the picture, and the annotated size does not tell whether "
                "the annotations are turned: store the picture upright (mogrify -auto-orient)"
            )
        return size == self.stored_size

    def points(self, xy: Floats, last: int = 0) -> Floats:
        """Turn points of the stored image, (..., 2), upright.

        Args:
            xy: in pixels.
            last: 0 for edges, from 0 to the width; 1 for pixel indices, from 0 to width - 1.
        """
        swap, *mirror = _STEPS[self.number]
        turned = xy[..., ::-1].copy() if swap else xy.copy()
        for axis in (0, 1):
            if mirror[axis]:
                turned[..., axis] = self.upright_size[axis] - last - turned[..., axis]
        return turned

    def pixels(self, stored: npt.NDArray[A]) -> npt.NDArray[A]:
        """Turn stored pixels, (H, W), upright."""
        swap, mirror_x, mirror_y = _STEPS[self.number]
        turned = stored.T if swap else stored
        return turned[:: -1 if mirror_y else 1, :: -1 if mirror_x else 1]


def orientation_of(path: Path) -> Orientation | None:
    """The orientation of an image file, from its header; None where that cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PIL.Image.open(path) as opened:
                exif = opened.getexif()
                size = opened.size
                if opened.format == "TIFF":  # Pillow has the upright size
                    size = exif[Tag.ImageWidth], exif[Tag.ImageLength]
                number = exif.get(Tag.Orientation, _UPRIGHT)
    except Exception:  # Pillow raises anything on a damaged file; reading the picture reports it
        return None
    return Orientation(size, number if number in _STEPS else _UPRIGHT)
