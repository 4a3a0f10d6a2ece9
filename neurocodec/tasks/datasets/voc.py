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
from neurocodec.tasks.datasets.folders import visible
from neurocodec.tasks.ground_truth import Annotation, Boxes, Mask, class_ids

PICTURES = "JPEGImages"
_ANNOTATIONS = "Annotations"
_MASKS = "SegmentationClass"


@dataclass(frozen=True)
class _Object:
    name: str
    xyxy: tuple[float, float, float, float]
    is_difficult: bool


def has_boxes(folder: Path) -> bool:
    """The folder has XML files, in `Annotations/` or right inside it."""
    return bool(_annotation_files(folder))


def has_masks(folder: Path) -> bool:
    """The folder has masks in `SegmentationClass/`."""
    return bool(visible(folder / _MASKS, "*.png"))


def read_boxes(folder: Path) -> Iterator[tuple[Path, str, Annotation]]:
    """Path, name and annotation of every image that has an XML file.

    VOC counts pixels from 1 and means the last one inclusively: left and top are moved by one.
    An object that it calls difficult is a crowd here: neither right nor wrong to find.

    Raises:
        BadInputError: an XML file is damaged, or its image is missing.
    """
    files = {path: _read_xml(path) for path in _annotation_files(folder)}
    names = {thing.name for _, objects in files.values() for thing in objects}
    ids = class_ids(sorted(names))
    pictures = _pictures_by_stem(folder)
    for path, (size, objects) in files.items():
        annotation = Annotation(_boxes(objects, ids), size, display(path))
        yield *_picture_of(path, pictures, folder), annotation


def read_masks(folder: Path) -> Iterator[tuple[Path, str, Mask]]:
    """Path, name and mask of every image that has one.

    Raises:
        BadInputError: a mask's image is missing.
    """
    pictures = _pictures_by_stem(folder)
    for mask in visible(folder / _MASKS, "*.png"):
        path, name = _picture_of(mask, pictures, folder)
        yield path, name, Mask(mask, path)


def _annotation_files(folder: Path) -> list[Path]:
    inside = folder / _ANNOTATIONS
    return visible(inside if inside.is_dir() else folder, "*.xml")


def _pictures_by_stem(folder: Path) -> dict[str, Path]:
    inside = folder / PICTURES
    files = visible(inside if inside.is_dir() else folder)
    return {path.stem: path for path in files if has_picture_name(path)}


def _picture_of(label: Path, pictures: dict[str, Path], folder: Path) -> tuple[Path, str]:
    if label.stem not in pictures:
        raise BadInputError(f"{display(label)}: there is no picture called {display(label.stem)}.*")
    path = pictures[label.stem]
    return path, path.relative_to(folder).as_posix()


def _read_xml(path: Path) -> tuple[tuple[int, int] | None, list[_Object]]:
    """The size of the image, if the file has it, and its objects."""
    try:
        root = ET.parse(path).getroot()
        width, height = (int(root.findtext(f"size/{side}") or 0) for side in ("width", "height"))
    except ET.ParseError as exc:
        line = exc.position[0]
        raise BadInputError(f"{display(path)}:{line}: not XML ({exc})") from exc
    except (OSError, ValueError, LookupError) as exc:
        raise BadInputError(f"{display(path)}: cannot be read as XML ({exc})") from exc
    size = (width, height) if width > 0 and height > 0 else None
    return size, [_object(element, path) for element in root.iter("object")]


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
