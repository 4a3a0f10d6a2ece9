"""Square crops of training pictures, and the ground truth that follows them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image

from neurocodec.images import Image, Plane
from neurocodec.tasks.ground_truth import Boxes

_VISIBLE = 0.1  # of a box's area: with less left of it, nobody could name the object
_MIN_SIDE = 2.0  # of a box, in pixels of the crop


@dataclass(frozen=True, eq=False)
class Example(Image):
    """A training picture with its ground truth.

    Attributes:
        ground_truth: as in `tasks.datasets.Sample`, in pixels of this picture; None without labels.
    """

    ground_truth: Any | None = None


def ground_truth_of(pictures: Iterable[Image]) -> list[Any]:
    """The ground truth of each picture, None where there is none."""
    return [picture.ground_truth if isinstance(picture, Example) else None for picture in pictures]


@dataclass(frozen=True)
class Crop:
    """A square of a picture, resized.

    Attributes:
        left: of the square, in pixels of the picture.
        top: of the square, likewise.
        side: of the square, likewise.
        size: side afterwards, in pixels.
        mirrored: exchange left and right at the end.
    """

    left: int
    top: int
    side: int
    size: int
    mirrored: bool = False

    def example(self, image: Image) -> Example:
        """The crop, with the picture's ground truth.

        Boxes are moved, scaled, mirrored, and cut at the edge. A box with less than a tenth left,
        or less than 2 pixels of a side, is dropped.
        """
        pixels = self._cut(image)
        truth = image.ground_truth if isinstance(image, Example) else None
        return Example(
            pixels[:, ::-1].copy() if self.mirrored else pixels,
            ground_truth=self._moved(truth) if isinstance(truth, Boxes) else truth,
        )

    def _cut(self, image: Image) -> Plane:
        picture = PIL.Image.fromarray(image.pixels)
        box = (self.left, self.top, self.left + self.side, self.top + self.side)
        if self.side == self.size:
            return np.array(picture.crop(box))
        return np.array(picture.resize((self.size, self.size), PIL.Image.Resampling.BICUBIC, box))

    def _moved(self, boxes: Boxes) -> Boxes:
        scale = self.size / self.side
        moved = (boxes.xyxy - [self.left, self.top, self.left, self.top]) * scale
        if self.mirrored:
            moved = np.stack(
                [self.size - moved[:, 2], moved[:, 1], self.size - moved[:, 0], moved[:, 3]], axis=1
            )
        cut = moved.clip(0, self.size)
        sides = cut[:, 2:] - cut[:, :2]
        share = sides.prod(axis=1) / (moved[:, 2:] - moved[:, :2]).prod(axis=1).clip(min=1e-9)
        visible = (share >= _VISIBLE) & (sides >= _MIN_SIDE).all(axis=1)
        return Boxes(
            xyxy=cut[visible],
            class_ids=boxes.class_ids[visible],
            is_crowd=boxes.is_crowd[visible],
            area=(boxes.area * share * scale**2)[visible],
        )


def random_crop(image: Image, size: int, rng: np.random.Generator) -> Crop:
    """A random square, from `size` to the shorter side, mirrored half of the time."""
    shorter = min(image.width, image.height)
    side = int(rng.integers(min(size, shorter), shorter + 1))
    left = int(rng.integers(0, image.width - side + 1))
    top = int(rng.integers(0, image.height - side + 1))
    return Crop(left, top, side, size, mirrored=bool(rng.random() < 0.5))


def centre_crop(image: Image, size: int) -> Crop:
    """The largest square in the middle."""
    side = min(image.width, image.height)
    return Crop((image.width - side) // 2, (image.height - side) // 2, side, size)
