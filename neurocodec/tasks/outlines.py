"""Outlines of objects as ground truth for segmentation: COCO's polygons and run-length codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurocodec.errors import BadInputError
from neurocodec.files import display
from neurocodec.tasks.ground_truth import VOC_NAMES, VOID, ClassMap
from neurocodec.tasks.orientation import orientation_of

# fmt: off
VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)
# fmt: on
"""The 21 classes of Pascal VOC's masks; a pixel's class is an index into them."""


_INDICES = {VOC_NAMES.get(name, name): index for index, name in enumerate(VOC_CLASSES) if index}
_BEYOND = 2  # sides of the picture: no corner is farther


@dataclass(frozen=True, eq=False)
class Outlines:
    """The outlines of a picture's objects, drawn as VOC's classes when needed.

    Attributes:
        segmentations: of each object, COCO's: polygons, or a run-length code.
        classes: the name of each.
        is_crowd: (N,) bool.
        size: height and width of the picture's stored pixels, to which the outlines are.
        picture: the picture that they are for.
    """

    segmentations: Sequence[Any]
    classes: Sequence[str]
    is_crowd: npt.NDArray[np.bool_]
    size: tuple[int, int]
    picture: Path

    def read(self) -> ClassMap:
        """Draw the class of every pixel, (H, W) uint8: an index into VOC_CLASSES.

        Classes that VOC lacks are background. Crowds are void, and so are pixels of two objects of
        different classes.

        Raises:
            BadInputError: an outline cannot be drawn, or the size is not the picture's.
        """
        height, width = self.size
        name = display(self.picture)
        if min(self.size) < 1:
            raise BadInputError(f"{name}: is annotated as {width}×{height}")
        orientation = orientation_of(self.picture)
        if orientation is None:
            raise BadInputError(f"{name}: cannot be read")
        must_turn = orientation.must_turn((width, height), name)
        drawn = self._draw()
        return orientation.pixels(drawn) if must_turn else drawn

    def _draw(self) -> ClassMap:
        drawn = np.zeros(self.size, np.uint8)
        objects = zip(self.segmentations, self.classes, self.is_crowd, strict=True)
        for segmentation, name, crowd in objects:
            value = VOID if crowd else _INDICES.get(VOC_NAMES.get(name, name), 0)
            if value:
                inside = _inside(segmentation, self.size, self.picture)
                apart = inside & (drawn != 0) & (drawn != value)
                drawn[inside] = value
                drawn[apart] = VOID
        return drawn


def _inside(segmentation: Any, size: tuple[int, int], picture: Path) -> npt.NDArray[np.bool_]:
    """Where the outline is, (H, W)."""
    from faster_coco_eval.core import mask

    try:
        runs = _runs(segmentation, size)
        drawn = mask.decode(mask.merge(runs) if isinstance(runs, list) else runs)
        inside = np.asarray(drawn, np.bool_)
    except Exception as exc:  # the library raises anything at all on a damaged outline
        raise BadInputError(f"{display(picture)}: has an outline that is none ({exc})") from exc
    if inside.shape != size:
        raise BadInputError(f"{display(picture)}: has an outline of another size")
    return inside


def _runs(segmentation: Any, size: tuple[int, int]) -> Any:
    """The outline as the library's run-length code, or a list of them."""
    from faster_coco_eval.core import mask

    if isinstance(segmentation, dict):
        if tuple(segmentation["size"]) != size:
            raise ValueError("of another size")
        if isinstance(segmentation["counts"], str):
            return {**segmentation, "counts": segmentation["counts"].encode("ascii")}
    else:
        # The library's memory goes with the length of an edge.
        corners = np.concatenate([np.asarray(one, np.float64) for one in segmentation])
        if not (np.abs(corners) <= _BEYOND * max(size)).all():
            raise ValueError("a corner is far outside of the picture")
    return mask.frPyObjects(segmentation, *size)
