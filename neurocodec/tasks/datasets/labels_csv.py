"""labels.csv: a table of images and their classes."""

import csv
import re
from pathlib import Path
from typing import Any

from neurocodec.errors import BadInputError
from neurocodec.files import display, is_within

NAME = "labels.csv"
_CLASS_NAMES = ("class_name", "label", "wnid")

Row = dict[str, Any]


def read(folder: Path) -> tuple[dict[str, int], dict[int, str]]:
    """Class indices by the images' names, and class names by index where the table has them.

    The columns are file, class_index and perhaps class_name (or label, or wnid).

    Raises:
        BadInputError: the table cannot be read, or an image is missing or listed twice.
    """
    table = folder / NAME
    indices: dict[str, int] = {}
    names: dict[int, str] = {}
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, strict=True)
            for row in rows:
                where = f"{display(table)}:{rows.line_num}"
                picture, index = _labelled(folder, row, where)
                if picture in indices:
                    raise BadInputError(f"{where}: {picture} is listed twice")
                indices[picture] = index
                if title := next((row[key] for key in _CLASS_NAMES if row.get(key)), ""):
                    names[index] = title
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise BadInputError(f"{display(table)}: cannot be read as CSV ({exc})") from exc
    return indices, names


def _labelled(folder: Path, row: Row, where: str) -> tuple[str, int]:
    name, index = row.get("file"), row.get("class_index")
    if not name or index is None:
        raise BadInputError(f"{where}: needs the columns file and class_index, both filled")
    if not re.fullmatch(r" *[0-9]{1,9} *", index):
        raise BadInputError(f"{where}: class_index must be a whole number from 0, not {index!r}")
    if not is_within(name):
        raise BadInputError(f"{where}: {display(name)} lies outside {display(folder)}")
    if not (folder / name).is_file():
        raise BadInputError(f"{where}: there is no picture {display(folder / name)}")
    return name, int(index)
