"""Pascal VOC's folders: boxes in XML files, masks in palette pictures.

Source: the development kit's document (2012), sections 2.1 and 3.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neurocodec.errors import BadInputError
from neurocodec.files import display
from neurocodec.images import has_picture_name
from neurocodec.tasks.datasets.folders import visible
from neurocodec.tasks.ground_truth import Boxes, Mask, class_ids, upright

Size = tuple[int, int]
Object = tuple[str, list[float], bool]
"""Its class, its left, top, right and bottom, and whether it is difficult."""


def picture_folder(folder: Path) -> Path:
    """`JPEGImages/`, or the folder itself without it."""
    return _inside(folder, "JPEGImages")


def read_boxes(folder: Path, limit: int | None) -> Iterator[tuple[Path, str, Boxes]]:
    """Path, name and boxes of every image that has an XML file, in `Annotations/` or beside it.

    VOC counts pixels from 1 and means the last one inclusively: left and top are moved by one.
    An object that it calls difficult is a crowd here: neither right nor wrong to find.

    Args:
        folder: with the images, or with `JPEGImages/`.
        limit: read the images of this many XML files only, the first by name.

    Raises:
        BadInputError: an XML file is damaged, or its image is missing or of another size.
    """
    files = {path: _read_xml(path) for path in visible(_inside(folder, "Annotations"), "*.xml")}
    ids = class_ids(sorted({name for _, objects in files.values() for name, *_ in objects}))
    pictures = _pictures_by_stem(folder)
    for label, (size, objects) in list(files.items())[:limit]:
        path, name = _picture_of(label, pictures, folder)
        yield path, name, upright(_boxes(objects, ids), size, label, path)


def read_masks(folder: Path) -> Iterator[tuple[Path, str, Mask]]:
    """Path, name and mask of every image that has one in `SegmentationClass/`.

    Raises:
        BadInputError: a mask's image is missing.
    """
    pictures = _pictures_by_stem(folder)
    for mask in visible(folder / "SegmentationClass", "*.png"):
        path, name = _picture_of(mask, pictures, folder)
        yield path, name, Mask(mask, path)


def _inside(folder: Path, name: str) -> Path:
    return folder / name if (folder / name).is_dir() else folder


def _pictures_by_stem(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in visible(picture_folder(folder)) if has_picture_name(path)}


def _picture_of(label: Path, pictures: dict[str, Path], folder: Path) -> tuple[Path, str]:
    if label.stem not in pictures:
        raise BadInputError(f"{display(label)}: there is no picture called {display(label.stem)}.*")
    path = pictures[label.stem]
    return path, path.relative_to(folder).as_posix()


def _read_xml(path: Path) -> tuple[Size, list[Object]]:
    """The size of the image, 0 where the file does not tell, and its objects."""
    try:
        root = ET.parse(path).getroot()
        width, height = (int(root.findtext(f"size/{side}") or 0) for side in ("width", "height"))
        return (width, height), [_object(element) for element in root.iter("object")]
    except (OSError, ET.ParseError, ValueError, LookupError) as exc:
        raise BadInputError(f"{display(path)}: cannot be read as VOC's XML ({exc})") from exc


def _object(element: ET.Element) -> Object:
    def text(tag: str) -> str:
        value = element.findtext(tag)
        if value is None:
            raise ValueError(f"an object has no {tag}")
        return value.strip()

    corners = (float(text(f"bndbox/{tag}")) for tag in ("xmin", "ymin", "xmax", "ymax"))
    left, top, right, bottom = corners
    is_difficult = element.findtext("difficult", "0").strip() == "1"
    return text("name"), [left - 1, top - 1, right, bottom], is_difficult


def _boxes(objects: list[Object], ids: dict[str, int]) -> Boxes:
    xyxy = np.array([corners for _, corners, _ in objects], np.float64).reshape(-1, 4)
    return Boxes(
        xyxy=xyxy,
        class_ids=np.array([ids[name] for name, _, _ in objects], np.int64),
        is_crowd=np.array([is_difficult for _, _, is_difficult in objects], np.bool_),
        area=np.prod(xyxy[:, 2:] - xyxy[:, :2], axis=1),
    )
