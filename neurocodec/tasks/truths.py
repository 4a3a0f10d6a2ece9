"""What the data says is in a picture: the labels that answers are scored against."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image

from neurocodec.errors import BadInputError
from neurocodec.files import display

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
ClassMap = npt.NDArray[np.uint8]

VOID = 255
JOINTS = 17

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
    """The objects of a picture.

    Attributes:
        xyxy: (N, 4), left, top, right, bottom, in pixels of the original picture.
        class_ids: (N,), see `class_ids`.
        is_crowd: (N,) bool; finding such an object is neither right nor wrong.
        area: (N,), of the object in square pixels (of its outline where the data has one).
    """

    xyxy: Floats
    class_ids: Ints
    is_crowd: npt.NDArray[np.bool_]
    area: Floats


@dataclass(frozen=True, eq=False)
class Keypoints:
    """The people of a picture and where their joints are.

    Attributes:
        xyv: (N, 17, 3), x, y in pixels, v = 0 not labelled, 1 hidden, 2 visible; COCO's order.
        boxes: around the same N people.
    """

    xyv: Floats
    boxes: Boxes


@dataclass(frozen=True)
class Mask:
    """The class of every pixel, in a picture file that is read when asked for."""

    path: Path

    def read(self) -> ClassMap:
        """(H, W) uint8: 0 background, 1… the classes in their order, 255 left out of every score.

        Raises:
            BadInputError: no palette or gray picture of 8 bits, or unreadable.
        """
        try:
            with PIL.Image.open(self.path) as opened:
                if opened.mode not in ("P", "L"):
                    raise BadInputError(
                        f"{display(self.path)}: a mask must be a palette or gray picture of 8 bits"
                    )
                return np.array(opened, np.uint8)
        except BadInputError:
            raise
        except Exception as exc:  # Pillow's readers raise anything at all on a damaged file
            raise BadInputError(f"{display(self.path)}: cannot be read as a mask ({exc})") from exc


def class_ids(names: Sequence[str]) -> dict[str, int]:
    """From class name to class id, for data whose classes have `names`.

    Where COCO or VOC knows them all, the ids are indices into COCO_CLASSES, which is what the
    recognisers answer in; else they count the names in the order given.
    """
    known = [_VOC_NAMES.get(name, name) for name in names]
    if set(known) <= set(COCO_CLASSES):
        return {name: COCO_CLASSES.index(k) for name, k in zip(names, known, strict=True)}
    return {name: position for position, name in enumerate(names)}
