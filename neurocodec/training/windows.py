"""Squares cut out of training pictures, and what happens to the truth when they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image

from neurocodec.images import Image, Plane
from neurocodec.tasks.ground_truth import Boxes

_VISIBLE = 0.1  # of a box's area: of what is cut off further, nobody could say what it is
_MIN_SIDE = 2.0  # of a box, in pixels of the crop


@dataclass(frozen=True, eq=False)
class Example(Image):
    """A training picture, and what the data says of it.

    Attributes:
        truth: as `tasks.data.Labelled` has it, in pixels of this picture; None without labels.
    """

    truth: Any | None = None


@dataclass(frozen=True)
class Window:
    """A square of a picture, brought to a size.

    Attributes:
        left: of the square, in pixels of the picture.
        top: likewise.
        side: likewise.
        size: of the side afterwards.
        mirrored: left and right changed, at the end.
    """

    left: int
    top: int
    side: int
    size: int
    mirrored: bool = False

    def example(self, image: Image) -> Example:
        """The square, with the truth that the picture has where it is an example.

        Boxes follow: they are moved, scaled and mirrored, and cut at the edge. One of which less
        than a tenth is left, or less than 2 pixels of a side, is dropped.
        """
        pixels = self._cut(image)
        truth = image.truth if isinstance(image, Example) else None
        return Example(
            pixels[:, ::-1].copy() if self.mirrored else pixels,
            truth=self._moved(truth) if isinstance(truth, Boxes) else truth,
        )

    def _cut(self, image: Image) -> Plane:
        picture = PIL.Image.fromarray(image.pixels)
        box = (self.left, self.top, self.left + self.side, self.top + self.side)
        if self.side == self.size:
            return np.array(picture.crop(box))
        return np.array(picture.resize((self.size, self.size), PIL.Image.Resampling.BICUBIC, box))

    def _moved(self, boxes: Boxes) -> Boxes:
        scale = self.size / self.side
        whole = (boxes.xyxy - [self.left, self.top, self.left, self.top]) * scale
        if self.mirrored:
            whole = np.stack(
                [self.size - whole[:, 2], whole[:, 1], self.size - whole[:, 0], whole[:, 3]], axis=1
            )
        cut = whole.clip(0, self.size)
        sides = cut[:, 2:] - cut[:, :2]
        share = sides.prod(axis=1) / (whole[:, 2:] - whole[:, :2]).prod(axis=1).clip(min=1e-9)
        kept = (share >= _VISIBLE) & (sides >= _MIN_SIDE).all(axis=1)
        return Boxes(
            xyxy=cut[kept],
            class_ids=boxes.class_ids[kept],
            is_crowd=boxes.is_crowd[kept],
            area=(boxes.area * share * scale**2)[kept],
        )


def random_window(image: Image, size: int, rng: np.random.Generator) -> Window:
    """A random square, from `size` to the shorter side, mirrored half of the time."""
    shorter = min(image.width, image.height)
    side = int(rng.integers(min(size, shorter), shorter + 1))
    left = int(rng.integers(0, image.width - side + 1))
    top = int(rng.integers(0, image.height - side + 1))
    return Window(left, top, side, size, mirrored=bool(rng.random() < 0.5))


def centre_window(image: Image, size: int) -> Window:
    """The largest square in the middle."""
    side = min(image.width, image.height)
    return Window((image.width - side) // 2, (image.height - side) // 2, side, size)
