"""A folder of pictures, and what it says of each for one task."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neurocodec.errors import BadInputError
from neurocodec.files import display
from neurocodec.images import has_picture_name
from neurocodec.tasks import coco_json, voc

LABELS = "labels.csv"
_MIN_CLASSES = 2


@dataclass(frozen=True)
class Labelled:
    """One picture of the data.

    Attributes:
        path: of the picture file.
        name: unique in the data: the path below the folder, or as the annotation file says it.
        truth: a class index for classification, `Boxes` for detection, `Mask` for segmentation,
            `Keypoints` for pose (see truths.py); None where the data does not say.
    """

    path: Path
    name: str
    truth: Any | None


@dataclass(frozen=True)
class DataSet:
    """Pictures in the order of their names.

    Attributes:
        name: of the folder or the annotation file.
        layout: how it was read: "labels.csv", "class folders", "COCO", "VOC" or "no labels".
        pictures: at least one.
    """

    name: str
    layout: str
    pictures: tuple[Labelled, ...]


def read(source: Path, task: str, limit: int | None = None) -> DataSet:
    """The pictures that `source` holds, with the truths that `task` is scored by.

    Tried in this order; what serves another task only is read without labels:

    - classification: `labels.csv` (columns file, class_index); else one subfolder a class, two
      or more, pictures right inside them and none beside them: classes count their sorted names.
    - detection and pose: COCO JSON, named itself or found for its picture folder
      (`instances*.json`, `person_keypoints*.json`); detection also reads Pascal VOC's XML, in
      `Annotations/` or beside the pictures.
    - segmentation: Pascal VOC's `JPEGImages/` and `SegmentationClass/`.
    - anything else: every picture below the folder, without labels.

    Args:
        source: a folder, or a COCO .json file.
        task: a key of TASKS.
        limit: how many pictures at most: the first by name.

    Raises:
        BadInputError: nothing there, no pictures, a label file that cannot be read, or a
            picture that it names and that is missing.
        UsageError: the folder has several annotation files that would serve.
    """
    if not source.exists():
        raise BadInputError(f"{display(source)}: there is no such folder or file")
    layout, found = _find(source, task)
    pictures = tuple(sorted(found, key=lambda picture: picture.name)[:limit])
    if not pictures:
        raise BadInputError(f"{display(source)}: holds no pictures")
    return DataSet(source.resolve().name, layout, pictures)


def _find(source: Path, task: str) -> tuple[str, Iterable[Labelled]]:
    annotations = coco_json.find(source, task)
    if annotations is not None:
        return "COCO", _labelled(coco_json.read(annotations, source, task))
    if not source.is_dir():
        raise BadInputError(f"{display(source)}: is no folder and no COCO .json file")
    if task == "classification" and (source / LABELS).is_file():
        return LABELS, _read_labels(source)
    if task == "detection" and voc.has_boxes(source):
        return "VOC", _labelled(voc.read_boxes(source))
    if task == "segmentation" and voc.has_masks(source):
        return "VOC", _labelled(voc.read_masks(source))
    plain = [Labelled(path, name, None) for path, name in _pictures_below(source)]
    if task == "classification" and _are_class_folders(source, plain):
        return "class folders", _read_class_folders(plain)
    return "no labels", plain


def _labelled(found: Iterable[tuple[Path, str, Any]]) -> Iterator[Labelled]:
    return (Labelled(path, name, truth) for path, name, truth in found)


def _pictures_below(folder: Path) -> Iterator[tuple[Path, str]]:
    inside = folder / voc.PICTURES
    root = inside if inside.is_dir() else folder
    for path in root.rglob("*"):
        if has_picture_name(path) and path.is_file():
            yield path, path.relative_to(folder).as_posix()


def _read_labels(folder: Path) -> list[Labelled]:
    table = folder / LABELS
    found: dict[str, Labelled] = {}
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, strict=True)
            for row in rows:
                where = f"{display(table)}:{rows.line_num}"
                picture = _labelled_row(folder, row, where)
                if picture.name in found:
                    raise BadInputError(f"{where}: {picture.name} is listed twice")
                found[picture.name] = picture
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise BadInputError(f"{display(table)}: cannot be read as CSV ({exc})") from exc
    return list(found.values())


def _labelled_row(folder: Path, row: dict[str, Any], where: str) -> Labelled:
    name, index = row.get("file"), row.get("class_index")
    if not name or index is None:
        raise BadInputError(f"{where}: needs the columns file and class_index, both filled")
    if not index.strip().isdecimal():
        raise BadInputError(f"{where}: class_index must be a whole number from 0, not {index!r}")
    if not (folder / name).is_file():
        raise BadInputError(f"{where}: there is no picture {display(folder / name)}")
    return Labelled(folder / name, name, int(index))


def _are_class_folders(folder: Path, pictures: Iterable[Labelled]) -> bool:
    parents = {picture.path.parent for picture in pictures}
    return len(parents) >= _MIN_CLASSES and all(p.parent == folder for p in parents)


def _read_class_folders(pictures: list[Labelled]) -> list[Labelled]:
    classes = sorted({picture.path.parent.name for picture in pictures})
    return [replace(p, truth=classes.index(p.path.parent.name)) for p in pictures]
