"""Pascal VOC's folders: boxes in XML files, masks in palette pictures.

Source: the development kit's document (2012), sections 2.1 and 3.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurocodec.errors import BadInputError
from neurocodec.files import display
from neurocodec.images import has_picture_name
from neurocodec.tasks.truths import Boxes, Mask, class_ids

PICTURES = "JPEGImages"
_ANNOTATIONS = "Annotations"
_MASKS = "SegmentationClass"


@dataclass(frozen=True)
class _Object:
    name: str
    xyxy: tuple[float, float, float, float]
    is_difficult: bool


def has_boxes(folder: Path) -> bool:
    """Whether there are XML files, in `Annotations/` or in the folder itself."""
    return any(_annotation_folder(folder).glob("*.xml"))


def has_masks(folder: Path) -> bool:
    """Whether there are masks in `SegmentationClass/`."""
    return any((folder / _MASKS).glob("*.png"))


def read_boxes(folder: Path) -> Iterator[tuple[Path, str, Boxes]]:
    """Path, name and objects of every picture that has an XML file.

    VOC counts pixels from 1 and means the last one inclusively: left and top are moved by one.
    An object that it calls difficult is a crowd here: neither right nor wrong to find.

    Raises:
        BadInputError: an XML file is damaged, or its picture is missing.
    """
    files = sorted(_annotation_folder(folder).glob("*.xml"))
    objects = {path: _read_objects(path) for path in files}
    ids = class_ids(sorted({o.name for found in objects.values() for o in found}))
    pictures = _pictures_by_stem(folder)
    for path, found in objects.items():
        yield *_picture_of(path, pictures, folder), _boxes(found, ids)


def read_masks(folder: Path) -> Iterator[tuple[Path, str, Mask]]:
    """Path, name and mask of every picture that has one.

    Raises:
        BadInputError: a mask's picture is missing.
    """
    pictures = _pictures_by_stem(folder)
    for path in (folder / _MASKS).glob("*.png"):
        yield *_picture_of(path, pictures, folder), Mask(path)


def _annotation_folder(folder: Path) -> Path:
    inside = folder / _ANNOTATIONS
    return inside if inside.is_dir() else folder


def _pictures_by_stem(folder: Path) -> dict[str, Path]:
    inside = folder / PICTURES
    files = sorted((inside if inside.is_dir() else folder).iterdir())
    return {path.stem: path for path in files if has_picture_name(path)}


def _picture_of(label: Path, pictures: dict[str, Path], folder: Path) -> tuple[Path, str]:
    if label.stem not in pictures:
        raise BadInputError(f"{display(label)}: there is no picture called {display(label.stem)}.*")
    path = pictures[label.stem]
    return path, path.relative_to(folder).as_posix()


def _read_objects(path: Path) -> list[_Object]:
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError as exc:
        line = exc.position[0]
        raise BadInputError(f"{display(path)}:{line}: not XML ({exc})") from exc
    except (OSError, ValueError, LookupError) as exc:
        raise BadInputError(f"{display(path)}: cannot be read as XML ({exc})") from exc
    return [_object(element, path) for element in root.iter("object")]


def _object(element: ET.Element, path: Path) -> _Object:
    def text(tag: str) -> str:
        value = element.findtext(tag)
        if value is None:
            raise BadInputError(f"{display(path)}: an object has no {tag}")
        return value.strip()

    corners = [text(f"bndbox/{tag}") for tag in ("xmin", "ymin", "xmax", "ymax")]
    try:
        left, top, right, bottom = map(float, corners)
    except ValueError as exc:
        raise BadInputError(f"{display(path)}: a bndbox is not of numbers ({exc})") from exc
    is_difficult = element.findtext("difficult", "0").strip() == "1"
    return _Object(text("name"), (left - 1, top - 1, right, bottom), is_difficult)


def _boxes(objects: list[_Object], ids: dict[str, int]) -> Boxes:
    xyxy = np.array([o.xyxy for o in objects], np.float64).reshape(-1, 4)
    sides: Any = xyxy[:, 2:] - xyxy[:, :2]
    return Boxes(
        xyxy=xyxy,
        class_ids=np.array([ids[o.name] for o in objects], np.int64),
        is_crowd=np.array([o.is_difficult for o in objects], np.bool_),
        area=sides[:, 0] * sides[:, 1],
    )
