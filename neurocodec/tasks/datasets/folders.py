"""The files of a data folder, and class folders, as torchvision's ImageFolder reads them."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from neurocodec.errors import BadInputError
from neurocodec.files import display
from neurocodec.images import has_picture_name

_LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
_MIN_CLASSES = 2


def visible(folder: Path, pattern: str = "*") -> list[Path]:
    """The entries of the folder whose names match, sorted.

    Hidden ones and what operating systems leave are left out.
    """
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


def classes(folder: Path, pictures: Sequence[Path]) -> list[str]:
    """The names of the class folders, sorted; none if the folder does not consist of them.

    Two or more subfolders must hold images right inside them, with no image elsewhere. An empty
    subfolder is a class without images.

    Args:
        folder: of the data set.
        pictures: all images below it.

    Raises:
        BadInputError: a subfolder beside them holds other files, so that classes cannot be counted.
    """
    occupied = {picture.parent for picture in pictures}
    if len(occupied) < _MIN_CLASSES or any(parent.parent != folder for parent in occupied):
        return []
    subfolders = [path for path in visible(folder) if path.is_dir()]
    for path in subfolders:
        if path not in occupied and visible(path):
            raise BadInputError(
                f"{display(path)}: holds no picture but other files, among class folders: "
                "move it away, or empty it if it is a class"
            )
    return [path.name for path in subfolders]


@cache
def imagenet_wnids() -> dict[str, int]:
    """ImageNet-1k's class index by wnid: the classes are in the order of their wnids."""
    text = Path(__file__).with_name("imagenet_wnids.txt").read_text(encoding="ascii")
    return {wnid: index for index, wnid in enumerate(text.split())}
