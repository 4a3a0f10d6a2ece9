"""The files of a data folder, without what operating systems and editors leave in it."""

from collections.abc import Iterator
from pathlib import Path

from neurocodec.images import has_picture_name

_LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}


def visible(folder: Path, pattern: str = "*") -> list[Path]:
    """The entries of the folder whose names match, sorted, without hidden ones."""
    return sorted(p for p in folder.glob(pattern) if p.name[0] != "." and p.name not in _LITTER)


def pictures_below(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """The image files of the folder and its subfolders, without hidden ones.

    Links are followed, but not back into a folder that leads to them.

    Args:
        folder: where to look.
        above: the folders that lead to it, links resolved.
    """
    resolved = folder.resolve()
    if resolved in above:
        return
    for path in visible(folder):
        if path.is_dir():
            yield from pictures_below(path, above | {resolved})
        elif has_picture_name(path) and path.is_file():
            yield path
