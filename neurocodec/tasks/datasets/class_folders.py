"""Class folders: one subfolder a class, as torchvision's ImageFolder reads them."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from neurocodec.errors import BadInputError
from neurocodec.files import display
from neurocodec.tasks.datasets.folders import visible

_MIN_CLASSES = 2


def classes(folder: Path, pictures: Sequence[Path]) -> list[str] | None:
    """The names of the class folders, sorted; None if the folder does not consist of them.

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
        return None
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
