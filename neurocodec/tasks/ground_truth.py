"""Ground truth: the labels that predictions are scored against."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageOps

from neurocodec.errors import BadInputError
from neurocodec.files import display
from neurocodec.tasks.orientation import Orientation, orientation_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
ClassMap = npt.NDArray[np.uint8]

VOID = 255
JOINTS = 17
# COCO's order is nose, left eye, right eye, left ear, right ear and so on.
_MIRRORED_JOINTS = [0, *(joint + side for joint in range(1, JOINTS, 2) for side in (1, 0))]

# fmt: off
COCO_CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat",
    "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack",
    "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball",
    "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket",
    "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair",
    "couch", "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote",
    "keyboard", "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book",
    "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)
# fmt: on
"""The 80 classes of COCO's boxes; a class id is an index into them."""

VOC_NAMES = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}
"""COCO's names of the classes that VOC calls otherwise."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """The objects of an image.

    Attributes:
        xyxy: (N, 4), left, top, right, bottom, in pixels of the original image.
        class_ids: (N,), see `class_ids`.
        is_crowd: (N,) bool; finding such an object is neither right nor wrong.
        area: (N,), of the object in square pixels (of its outline where the data has one).
    """

    xyxy: Floats
    class_ids: Ints
    is_crowd: npt.NDArray[np.bool_]
    area: Floats

    def turned(self, orientation: Orientation) -> Self:
        """The boxes of stored pixels, turned upright."""
        corners = orientation.points(self.xyxy.reshape(-1, 2, 2))
        return replace(self, xyxy=np.hstack([corners.min(axis=1), corners.max(axis=1)]))


@dataclass(frozen=True, eq=False)
class Keypoints(Boxes):
    """The people of an image and their joints.

    Attributes:
        xyv: (N, 17, 3), x, y in pixels, v = 0 not labelled, 1 hidden, 2 visible; COCO's order.
    """

    xyv: Floats

    def turned(self, orientation: Orientation) -> Self:
        """The boxes and joints of stored pixels, turned upright; joints without label stay at 0."""
        xyv = self.xyv.copy()
        xyv[..., :2] = orientation.points(xyv[..., :2], last=1) * (xyv[..., 2:] > 0)
        if orientation.is_mirrored:
            xyv = xyv[:, _MIRRORED_JOINTS]
        return replace(super().turned(orientation), xyv=xyv)


def upright(boxes: Boxes, size: tuple[int, int], annotations: Path, picture: Path) -> Boxes:
    """Turn boxes or keypoints as the upright image has them.

    Args:
        boxes: as the annotation file has them.
        size: width and height of the image by the annotation file; 0 where it has none.
        annotations: the annotation file, for messages.
        picture: the image file.

    Raises:
        BadInputError: the annotations do not fit the image.
    """
    orientation = orientation_of(picture)
    if orientation is None or not len(boxes.xyxy):
        return boxes
    where = f"{display(annotations)}: {display(picture)}"
    turned = boxes.turned(orientation) if orientation.must_turn(size, where) else boxes
    if (turned.xyxy[:, :2] >= orientation.upright_size).any() or (turned.xyxy[:, 2:] < 0).any():
        raise BadInputError(f"{where}: has a box outside of the picture: correct it")
    return turned


@dataclass(frozen=True)
class Mask:
    """The class of every pixel, in an image file that is read when needed.

    Attributes:
        path: of the mask.
        picture: the image that it is for.
    """

    path: Path
    picture: Path

    def read(self) -> ClassMap:
        """Read the class of every pixel, (H, W) uint8.

        0 is the background, 1… are the classes in their order, 255 is left out of every score.

        Raises:
            BadInputError: not a palette or gray image of 8 bits, unreadable, or not of the
                picture's size.
        """
        name = display(self.path)
        try:
            with PIL.Image.open(self.path) as opened:
                mode, mask = opened.mode, np.array(PIL.ImageOps.exif_transpose(opened))
        except Exception as exc:  # Pillow's readers raise anything at all on a damaged file
            raise BadInputError(f"{name}: cannot be read as a mask ({exc})") from exc
        if mode not in ("P", "L"):
            raise BadInputError(f"{name}: a mask must be a palette or gray picture of 8 bits")
        height, width = mask.shape
        orientation = orientation_of(self.picture)
        if orientation and orientation.must_turn((width, height), name):
            return orientation.pixels(mask)
        return mask


def class_ids(names: Sequence[str]) -> dict[str, int]:
    """Number classes: the id of each name.

    Where COCO or VOC knows them all, the ids are indices into COCO_CLASSES, which the recognisers
    predict; otherwise they count the names in order.
    """
    known = [VOC_NAMES.get(name, name) for name in names]
    if set(known) <= set(COCO_CLASSES):
        return {name: COCO_CLASSES.index(k) for name, k in zip(names, known, strict=True)}
    return {name: position for position, name in enumerate(names)}
