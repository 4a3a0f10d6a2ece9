"""COCO's annotation files: boxes for detection, outlines for segmentation, keypoints for pose.

Source: the data format page of cocodataset.org.
"""

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurocodec import files
from neurocodec.errors import BadInputError, UsageError
from neurocodec.files import display, is_within
from neurocodec.tasks.datasets.folders import visible
from neurocodec.tasks.ground_truth import JOINTS, Boxes, Keypoints, class_ids, upright
from neurocodec.tasks.outlines import Outlines

_PREFIXES = {
    "detection": "instances",
    "segmentation": "instances",
    "pose": "person_keypoints",
}

Item = Mapping[str, Any]


def find(source: Path, task: str) -> Path | None:
    """The annotation file for `source`: itself, in it, in its `annotations/`, or above it.

    Above an image folder, only a file with the folder's name after its prefix counts:
    `instances_val2017.json` for `val2017/`.

    Raises:
        UsageError: there are several in the folder.
    """
    if source.suffix.lower() == ".json" and source.is_file():
        return source
    if task not in _PREFIXES:
        return None
    folder = source.resolve()
    for parent, rest in ((folder, "*"), (folder.parent, f"_{folder.name}")):
        for place in (parent, parent / "annotations"):
            matching = visible(place, f"{_PREFIXES[task]}{rest}.json")
            if len(matching) > 1:
                names = ", ".join(display(path.name) for path in matching)
                raise UsageError(f"{display(source)}: has {names}: name one of them")
            if matching:
                return matching[0]
    return None


def read(
    annotations: Path, source: Path, task: str, limit: int | None
) -> Iterator[tuple[Path, str, Boxes | Outlines | None]]:
    """Path, name and boxes, outlines or keypoints of the images that the file lists.

    For tasks that use none of them, None.

    The images are looked for in `source` and around the annotation file.

    Args:
        annotations: the file.
        source: what the user named: the file, or a folder.
        task: a key of TASKS.
        limit: only this many images, the first by name.

    Raises:
        BadInputError: not such a file, or an image is missing or does not fit its annotations.
    """
    where = display(annotations)
    try:
        content = files.parsed(annotations.read_bytes())
        pictures = sorted(content["images"], key=lambda picture: picture["file_name"])
        known = {str(picture["id"]) for picture in pictures}
        by_picture = _by_picture(content["annotations"], known, where)
        ids = _category_ids(content["categories"])
        names = {str(one["id"]): str(one["name"]) for one in content["categories"]}
        root = _picture_folder(annotations, source, [p["file_name"] for p in pictures])
        for picture in pictures[:limit]:
            if not is_within(picture["file_name"]):
                raise BadInputError(f"{where}: {picture['file_name']} lies outside the data")
            path = root / picture["file_name"]
            if not path.is_file():
                raise BadInputError(f"{where}: there is no picture {display(path)}")
            items = by_picture[str(picture["id"])]
            if task == "segmentation":
                yield path, picture["file_name"], _outlines(items, names, picture, path)
                continue
            boxes = _geometry(items, ids, task)
            width, height = (int(picture.get(side) or 0) for side in ("width", "height"))
            turned = boxes and upright(boxes, (width, height), annotations, path)
            yield path, picture["file_name"], turned
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as exc:
        reason = f"no {exc}" if isinstance(exc, KeyError) else exc
        raise BadInputError(f"{where}: cannot be read as COCO annotations ({reason})") from exc


def _picture_folder(annotations: Path, source: Path, names: Sequence[str]) -> Path:
    """The folder that holds the first image that exists; otherwise the likeliest one."""
    beside = annotations.resolve().parent
    split = annotations.stem.rpartition("_")[2]
    above = beside.parent
    roots = [source] if source.is_dir() else []
    roots += [source.resolve().parent, beside, beside / split, above / split, above]
    roots += [beside / "images", above / "images", above / "images" / split]
    existing = (root for name in names for root in roots if (root / name).is_file())
    return next(existing, roots[0])


def _by_picture(items: Sequence[Item], known: Container[str], where: str) -> dict[str, list[Item]]:
    """The annotations of every image, by its id as text: some files mix numbers and strings."""
    by_picture = defaultdict(list)
    for item in items:
        by_picture[str(item["image_id"])].append(item)
    if items and not any(key in known for key in by_picture):
        raise BadInputError(f"{where}: no annotation belongs to a picture of its list")
    return by_picture


def _category_ids(categories: Sequence[Item]) -> dict[str, int]:
    ordered = sorted(categories, key=lambda category: int(category["id"]))
    ids = class_ids([category["name"] for category in ordered])
    return {str(category["id"]): ids[category["name"]] for category in ordered}


def _geometry(items: Sequence[Item], ids: Mapping[str, int], task: str) -> Boxes | None:
    if task == "detection":
        return _boxes(items, ids)
    if task == "pose":
        people = [item for item in items if "keypoints" in item]
        xyv = np.array([person["keypoints"] for person in people], np.float64)
        return Keypoints(**vars(_boxes(people, ids)), xyv=xyv.reshape(-1, JOINTS, 3))
    return None


def _outlines(
    items: Sequence[Item], names: Mapping[str, str], picture: Item, path: Path
) -> Outlines:
    if not all(item.get("segmentation") for item in items):
        raise ValueError(f"{display(path)} has an object without an outline")
    return Outlines(
        segmentations=[item["segmentation"] for item in items],
        classes=[names[str(item["category_id"])] for item in items],
        is_crowd=np.array([item.get("iscrowd", 0) for item in items], np.bool_),
        size=(int(picture["height"]), int(picture["width"])),
        picture=path,
    )


def _boxes(items: Sequence[Item], ids: Mapping[str, int]) -> Boxes:
    xywh = np.array([item["bbox"] for item in items], np.float64).reshape(-1, 4)
    areas = [item.get("area", w * h) for item, (_, _, w, h) in zip(items, xywh, strict=True)]
    return Boxes(
        xyxy=np.hstack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]]),
        class_ids=np.array([ids[str(item["category_id"])] for item in items], np.int64),
        is_crowd=np.array([item.get("iscrowd", 0) for item in items], np.bool_),
        area=np.array(areas, np.float64),
    )
