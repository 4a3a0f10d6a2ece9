"""Training pictures: a folder's files, cropped and mirrored at random but always alike."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

from neurocodec import files, images
from neurocodec.errors import BadInputError
from neurocodec.images import Image

_GROUND = "white"


@dataclass(frozen=True)
class Split:
    """The files of a folder, some of them kept apart from training."""

    training: tuple[Path, ...]
    validation: tuple[Path, ...]


def split(folder: Path, validation: int) -> Split:
    """The pictures below `folder`, and how many of them only validate.

    Which ones does not depend on a seed, so that every training on a folder leaves out the same.

    Raises:
        BadInputError: no such folder, or too few pictures in it.
    """
    paths = [path for path in folder.rglob("*") if images.has_picture_name(path)]
    if len(paths) <= validation:
        raise BadInputError(
            f"{files.display(folder)}: has {len(paths)} pictures, training needs more than the "
            f"{validation} for validation"
        )
    shuffled = sorted(paths, key=lambda path: _digest(path.relative_to(folder).as_posix()))
    return Split(tuple(shuffled[validation:]), tuple(shuffled[:validation]))


class Crops:
    """An endless sequence of batches of square crops: batch k is the same whenever it is asked for.

    Every epoch goes through all pictures in an order of its own. A crop is a random square of the
    picture, from `size` to its shorter side, brought to `size` and mirrored half of the time.
    """

    def __init__(self, paths: Sequence[Path], *, size: int, batch: int, seed: int) -> None:
        """Say what to crop; nothing is read yet.

        Args:
            paths: of the pictures.
            size: of a crop's side, in pixels.
            batch: crops a batch.
            seed: of order and crops.
        """
        self._paths = paths
        self._size = size
        self._batch = batch
        self._seed = seed
        self._reader = ThreadPoolExecutor(1)
        self._ahead: tuple[int, Future[list[Image]]] | None = None

    def batch(self, step: int) -> list[Image]:
        """Batch number `step`; the next one is read meanwhile.

        Raises:
            BadInputError: a picture cannot be read.
        """
        if self._ahead is None or self._ahead[0] != step:
            self._ahead = step, self._reader.submit(self._read, step)
        crops = self._ahead[1].result()
        self._ahead = step + 1, self._reader.submit(self._read, step + 1)
        return crops

    def _read(self, step: int) -> list[Image]:
        return [self._crop(step * self._batch + place) for place in range(self._batch)]

    def _crop(self, number: int) -> Image:
        epoch, place = divmod(number, len(self._paths))
        order = np.random.default_rng([self._seed, 0, epoch]).permutation(len(self._paths))
        rng = np.random.default_rng([self._seed, 1, number])
        return random_crop(read(self._paths[order[place]]), self._size, rng)


def read(path: Path) -> Image:
    """The picture, opaque.

    Raises:
        BadInputError: it cannot be read.
    """
    name = files.display(path)
    return images.flatten(images.read(files.read(str(path)), name), _GROUND)


def random_crop(image: Image, size: int, rng: np.random.Generator) -> Image:
    """A random square of the picture at `size`, mirrored half of the time."""
    shorter = min(image.width, image.height)
    side = int(rng.integers(min(size, shorter), shorter + 1))
    left = int(rng.integers(0, image.width - side + 1))
    top = int(rng.integers(0, image.height - side + 1))
    crop = _resized(image, (left, top, left + side, top + side), size)
    return Image(crop[:, ::-1].copy() if rng.random() < 0.5 else crop)


def centre_crop(image: Image, size: int) -> Image:
    """The largest square in the middle of the picture, at `size`."""
    side = min(image.width, image.height)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return Image(_resized(image, (left, top, left + side, top + side), size))


def _resized(image: Image, box: tuple[int, int, int, int], size: int) -> images.Plane:
    picture = PIL.Image.fromarray(image.pixels)
    if box[2] - box[0] == size:
        return np.array(picture.crop(box))
    return np.array(picture.resize((size, size), PIL.Image.Resampling.BICUBIC, box))


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
