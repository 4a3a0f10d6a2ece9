"""Reading a data set, in whichever layout it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurocodec.errors import BadInputError
from neurocodec.files import display
from neurocodec.tasks.datasets import coco, folders, labels_csv, voc

CLASS_FOLDERS = "class folders"


@dataclass(frozen=True)
class Sample:
    """One image of a data set.

    Attributes:
        path: of the image file.
        name: unique in the data set: the path below the folder, or as the annotation file has it.
        ground_truth: a class index for classification, `Boxes` for detection, `Mask` or
            `Outlines` for segmentation, `Keypoints` for pose (see ground_truth.py); None without
            labels.
    """

    path: Path
    name: str
    ground_truth: Any | None = None


@dataclass(frozen=True)
class DataSet:
    """Images in the order of their names.

    Attributes:
        name: of the folder or the annotation file.
        layout: "labels.csv", "class folders", "COCO", "VOC" or "no labels".
        pictures: at least one.
        class_names: by class index, for classification; empty where the data has no names.
    """

    name: str
    layout: str
    pictures: tuple[Sample, ...]
    class_names: Mapping[int, str] = field(default_factory=dict)


def read(source: Path, task: str, limit: int | None = None) -> DataSet:
    """The images in `source`, with the ground truth that `task` is scored by.

    Hidden files and folders are left out, links are followed. Layouts are tried in this order; one
    that serves another task only is read without labels:

    - classification: `labels.csv` (columns file, class_index); else class folders, numbered by
      their sorted names.
    - detection, segmentation and pose: COCO JSON, named itself or found for its image folder
      (`instances*.json`, `person_keypoints*.json`); detection also reads Pascal VOC's XML, in
      `Annotations/` or beside the images, and segmentation Pascal VOC's `JPEGImages/` and
      `SegmentationClass/`.
    - anything else: every image below the folder, without labels.

    Args:
        source: a folder, or a COCO .json file.
        task: a key of TASKS.
        limit: read only this many images, the first by name.

    Raises:
        BadInputError: no such folder, no images, a label file that cannot be read, an image that
            it names and that is missing, or annotations that do not fit their image.
        UsageError: the folder has several annotation files that would serve.
    """
    if not source.exists():
        raise BadInputError(f"{display(source)}: there is no such folder or file")
    layout, samples, class_names = _find(source, task, limit)
    pictures = tuple(sorted((Sample(*s) for s in samples), key=lambda s: s.name)[:limit])
    if not pictures:
        raise BadInputError(f"{display(source)}: holds no pictures")
    return DataSet(source.resolve().name, layout, pictures, class_names)


_Parts = tuple[str, Iterable[tuple[Path, str, Any]], Mapping[int, str]]


def _find(source: Path, task: str, limit: int | None) -> _Parts:
    """The layout, the attributes of every sample, and the classes' names."""
    annotations = coco.find(source, task)
    if annotations is not None:
        return "COCO", coco.read(annotations, source, task, limit), {}
    if not source.is_dir():
        raise BadInputError(f"{display(source)}: is no folder and no COCO .json file")
    if task == "classification" and (source / labels_csv.NAME).is_file():
        indices, names = labels_csv.read(source)
        return labels_csv.NAME, [(source / name, name, i) for name, i in indices.items()], names
    if task == "detection" and (boxes := list(voc.read_boxes(source, limit))):
        return "VOC", boxes, {}
    if task == "segmentation" and (masks := list(voc.read_masks(source))):
        return "VOC", masks, {}
    paths = list(folders.pictures_below(voc.picture_folder(source)))
    classes = folders.classes(source, paths) if task == "classification" else []
    numbers = {name: index for index, name in enumerate(classes)}
    samples = [(p, p.relative_to(source).as_posix(), numbers.get(p.parent.name)) for p in paths]
    return CLASS_FOLDERS if classes else "no labels", samples, dict(enumerate(classes))
