"""Ground truth: the labels that predictions are scored against."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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

_VOC_NAMES = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}


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

    @property
    def count(self) -> int:
        """How many objects there are."""
        return len(self.xyxy)

    def turned(self, orientation: Orientation) -> "Boxes":
        """The boxes of stored pixels, turned upright."""
        corners = orientation.points(self.xyxy.reshape(-1, 2, 2))
        xyxy = np.hstack([corners.min(axis=1), corners.max(axis=1)])
        return replace(self, xyxy=xyxy)

    def outside(self, width: int, height: int) -> bool:
        """Some box has no pixel in an image of this size."""
        beyond = (self.xyxy[:, :2] >= [width, height]) | (self.xyxy[:, 2:] < 0)
        return bool(beyond.any())


@dataclass(frozen=True, eq=False)
class Keypoints:
    """The people of an image and their joints.

    Attributes:
        xyv: (N, 17, 3), x, y in pixels, v = 0 not labelled, 1 hidden, 2 visible; COCO's order.
        boxes: around the same N people.
    """

    xyv: Floats
    boxes: Boxes

    @property
    def count(self) -> int:
        """How many people there are."""
        return len(self.xyv)

    def turned(self, orientation: Orientation) -> "Keypoints":
        """The joints of stored pixels, turned upright; those without label stay at 0."""
        xyv = self.xyv.copy()
        xyv[..., :2] = orientation.points(xyv[..., :2], last=1) * (xyv[..., 2:] > 0)
        if orientation.is_mirrored:
            xyv = xyv[:, _MIRRORED_JOINTS]
        return Keypoints(xyv, self.boxes.turned(orientation))

    def outside(self, width: int, height: int) -> bool:
        """Some person has no pixel in an image of this size."""
        return self.boxes.outside(width, height)


@dataclass(frozen=True, eq=False)
class Annotation:
    """Geometry as an annotation file has it.

    Attributes:
        geometry: boxes or keypoints.
        size: width and height of the image by the annotation file; None if it has none.
        source: the annotation file, for messages.
    """

    geometry: Boxes | Keypoints
    size: tuple[int, int] | None
    source: str

    def upright(self, picture: Path) -> Boxes | Keypoints:
        """The geometry in pixels of the upright image.

        Raises:
            BadInputError: the annotations do not fit the image.
        """
        orientation = orientation_of(picture)
        if orientation is None or not self.geometry.count:
            return self.geometry
        where = f"{self.source}: {display(picture)}"
        turn = orientation.must_turn(self.size, where)
        upright = self.geometry.turned(orientation) if turn else self.geometry
        if upright.outside(*orientation.upright_size):
            raise BadInputError(f"{where}: has a box outside of the picture: correct it")
        return upright


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
        """(H, W) uint8: 0 background, 1… the classes in their order, 255 left out of every score.

        Raises:
            BadInputError: not a palette or gray image of 8 bits, unreadable, or not of the
                picture's size.
        """
        try:
            with PIL.Image.open(self.path) as opened:
                if opened.mode not in ("P", "L"):
                    raise BadInputError(
                        f"{display(self.path)}: a mask must be a palette or gray picture of 8 bits"
                    )
                mask = np.array(PIL.ImageOps.exif_transpose(opened), np.uint8)
        except BadInputError:
            raise
        except Exception as exc:  # Pillow's readers raise anything at all on a damaged file
            raise BadInputError(f"{display(self.path)}: cannot be read as a mask ({exc})") from exc
        orientation = orientation_of(self.picture)
        size = (mask.shape[1], mask.shape[0])
        if orientation and orientation.must_turn(size, display(self.path)):
            return orientation.pixels(mask)
        return mask


def class_ids(names: Sequence[str]) -> dict[str, int]:
    """Number classes: the id of each name.

    Where COCO or VOC knows them all, the ids are indices into COCO_CLASSES, which the recognisers
    predict; otherwise they count the names in order.
    """
    known = [_VOC_NAMES.get(name, name) for name in names]
    if set(known) <= set(COCO_CLASSES):
        return {name: COCO_CLASSES.index(k) for name, k in zip(names, known, strict=True)}
    return {name: position for position, name in enumerate(names)}
