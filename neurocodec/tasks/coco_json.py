"""COCO's annotation files: objects for detection, people's joints for pose.

Source: the data format page of cocodataset.org.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurocodec.errors import BadInputError, UsageError
from neurocodec.files import display
from neurocodec.tasks.truths import JOINTS, Boxes, Keypoints, class_ids

_PREFIXES = {"detection": "instances", "pose": "person_keypoints"}

Annotation = Mapping[str, Any]


def find(source: Path, task: str) -> Path | None:
    """The annotation file for `source`: itself, in it, in its `annotations/`, or above it.

    Above a picture folder, a file counts that has the folder's name after its prefix, as
    `instances_val2017.json` has for `val2017/`.

    Raises:
        UsageError: there are several in the folder.
    """
    if source.suffix.lower() == ".json" and source.is_file():
        return source
    prefix = _PREFIXES.get(task)
    if prefix is None:
        return None
    for folder, pattern in _places(source.resolve(), prefix):
        found = sorted(folder.glob(pattern))
        if len(found) > 1:
            names = ", ".join(display(path.name) for path in found)
            raise UsageError(f"{display(source)}: has {names}: name the one that is meant")
        if found:
            return found[0]
    return None


def read(annotations: Path, source: Path, task: str) -> Iterator[tuple[Path, str, Any]]:
    """Path, name and truth of every picture that the annotation file lists.

    The pictures are looked for in `source` and around the annotation file. A task that the file
    has no truths for gets None.

    Raises:
        BadInputError: not such a file, or a picture is missing.
    """
    where = display(annotations)
    content = _load(annotations)
    try:
        by_picture = defaultdict(list)
        for annotation in content["annotations"]:
            by_picture[annotation["image_id"]].append(annotation)
        ids = _category_ids(content["categories"])
        names = [picture["file_name"] for picture in content["images"]]
        root = _picture_folder(annotations, source, names)
        for picture, name in zip(content["images"], names, strict=True):
            path = root / name
            if not path.is_file():
                raise BadInputError(f"{where}: there is no picture {display(path)}")
            yield path, name, _truth(by_picture[picture["id"]], ids, task)
    except KeyError as exc:
        raise BadInputError(f"{where}: not COCO annotations (no {exc})") from exc
    except (TypeError, ValueError, AttributeError) as exc:
        raise BadInputError(f"{where}: not COCO annotations ({exc})") from exc


def _load(annotations: Path) -> Any:
    try:
        return json.loads(annotations.read_bytes())
    except json.JSONDecodeError as exc:
        raise BadInputError(f"{display(annotations)}:{exc.lineno}: not JSON ({exc.msg})") from exc
    except (OSError, UnicodeDecodeError, RecursionError) as exc:
        raise BadInputError(f"{display(annotations)}: cannot be read as JSON ({exc})") from exc


def _places(source: Path, prefix: str) -> Iterator[tuple[Path, str]]:
    for folder in (source, source / "annotations"):
        yield folder, f"{prefix}*.json"
    for folder in (source.parent, source.parent / "annotations"):
        yield folder, f"{prefix}_{source.name}.json"


def _picture_folder(annotations: Path, source: Path, names: Sequence[str]) -> Path:
    """Where the first picture that can be found is; else the likeliest place."""
    beside = annotations.resolve().parent
    split = annotations.stem.rpartition("_")[2]
    above = beside.parent
    roots = [source] if source.is_dir() else []
    roots += [source.resolve().parent, beside, beside / split, above / split, above]
    roots += [beside / "images", above / "images", above / "images" / split]
    for name in names:
        for root in roots:
            if (root / name).is_file():
                return root
    return roots[0]


def _category_ids(categories: Sequence[Annotation]) -> dict[int, int]:
    ordered = sorted(categories, key=lambda category: int(category["id"]))
    ids = class_ids([category["name"] for category in ordered])
    return {category["id"]: ids[category["name"]] for category in ordered}


def _truth(annotations: Sequence[Annotation], ids: Mapping[int, int], task: str) -> Any:
    if task == "detection":
        return _boxes(annotations, ids)
    if task == "pose":
        return _keypoints([a for a in annotations if "keypoints" in a], ids)
    return None


def _boxes(annotations: Sequence[Annotation], ids: Mapping[int, int]) -> Boxes:
    xywh = np.array([a["bbox"] for a in annotations], np.float64).reshape(-1, 4)
    return Boxes(
        xyxy=np.hstack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]]),
        class_ids=np.array([ids[a["category_id"]] for a in annotations], np.int64),
        is_crowd=np.array([a.get("iscrowd", 0) for a in annotations], np.bool_),
        area=np.array(
            [a.get("area", w * h) for a, (_, _, w, h) in zip(annotations, xywh, strict=True)],
            np.float64,
        ),
    )


def _keypoints(annotations: Sequence[Annotation], ids: Mapping[int, int]) -> Keypoints:
    xyv = np.array([a["keypoints"] for a in annotations], np.float64)
    return Keypoints(xyv.reshape(-1, JOINTS, 3), _boxes(annotations, ids))
