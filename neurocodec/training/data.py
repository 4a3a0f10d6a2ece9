"""Training pictures: a folder's files, cropped and mirrored at random but always alike."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurocodec import files, images
from neurocodec.errors import BadInputError
from neurocodec.filters.blur import Blur
from neurocodec.images import Image
from neurocodec.tasks import datasets
from neurocodec.training import distributed
from neurocodec.training.windows import Example, centre_window, random_window

_GROUND = "white"
_VALIDATION = 32
_WITHOUT_LABELS: Mapping[Path, Any] = {}
_NEEDED = {
    "classification": "a labels.csv with the columns file and class_index, or one folder a class",
    "detection": "COCO's instances*.json, or Pascal VOC's XML files",
}


@dataclass(frozen=True)
class Split:
    """The files of a folder, some of them kept apart from training.

    Attributes:
        training: to learn from.
        validation: kept apart.
        truths: of both, by path; empty where no labels were asked for.
    """

    training: tuple[Path, ...]
    validation: tuple[Path, ...]
    truths: Mapping[Path, Any] = field(default_factory=dict)


def split(folder: Path, validation: int | None, task: str | None = None) -> Split:
    """The pictures below `folder`, and how many of them only validate.

    Which ones does not depend on a seed, so that every training on a folder leaves out the same.

    Args:
        folder: of the pictures; with a task a COCO .json file too.
        validation: how many; None is 32, but at most a quarter.
        task: whose labels are wanted, found as `tasks.data.read` finds them; pictures without one
            are left out. None reads no labels.

    Raises:
        BadInputError: no such folder, too few pictures in it, or labels that are not there or
            cannot be read.
        UsageError: the folder has several annotation files that would serve.
    """
    if task is None:
        found = datasets.pictures_below(folder)
        names = {path: path.relative_to(folder).as_posix() for path in found}
        return _shuffled(folder, names, validation, _WITHOUT_LABELS)
    labelled = [one for one in datasets.read(folder, task).pictures if one.ground_truth is not None]
    if not labelled:
        raise BadInputError(
            f"{files.display(folder)}: has no labels for {task}: it needs {_NEEDED[task]}"
        )
    return _shuffled(
        folder,
        {one.path: one.name for one in labelled},
        validation,
        {one.path: one.ground_truth for one in labelled},
    )


def _shuffled(
    folder: Path, names: Mapping[Path, str], validation: int | None, truths: Mapping[Path, Any]
) -> Split:
    kept = min(_VALIDATION, len(names) // 4) if validation is None else validation
    if len(names) <= kept:
        raise BadInputError(
            f"{files.display(folder)}: has {len(names)} pictures, training needs more than the "
            f"{kept} for validation"
        )
    shuffled = sorted(names, key=lambda path: _digest(names[path]))
    return Split(tuple(shuffled[kept:]), tuple(shuffled[:kept]), truths)


class Crops:
    """An endless sequence of batches of square crops: batch k is the same whenever it is asked for.

    Where several processes train together each has its share of the batch.

    Every epoch goes through all pictures in an order of its own. A crop is a random square of the
    picture, from `size` to its shorter side, brought to `size` and mirrored half of the time.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        size: int,
        batch: int,
        seed: int,
        truths: Mapping[Path, Any] = _WITHOUT_LABELS,
        soften: float = 0.0,
    ) -> None:
        """Say what to crop; nothing is read yet.

        Args:
            paths: of the pictures.
            size: of a crop's side, in pixels.
            batch: crops a batch, of all processes together.
            seed: of order and crops.
            truths: by path; what a crop shows of them goes with it.
            soften: blur each crop by a sigma from 0 to this, each as likely, in pixels: how
                sharp a picture is depends on how it was made smaller before.
        """
        self._paths = paths
        self._truths = truths
        self._size = size
        self._batch = batch
        self._seed = seed
        self._soften = soften
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
        places = distributed.share(range(self._batch))
        return [self._crop(step * self._batch + place) for place in places]

    def _crop(self, number: int) -> Image:
        epoch, place = divmod(number, len(self._paths))
        order = np.random.default_rng([self._seed, 0, epoch]).permutation(len(self._paths))
        rng = np.random.default_rng([self._seed, 1, number])
        crop = random_crop(read(self._paths[order[place]], self._truths), self._size, rng)
        if not self._soften:
            return crop
        return Example(Blur(rng.uniform(0, self._soften))(crop, 0).pixels, truth=crop.truth)


def draw_qps(qps: Sequence[int], count: int, *, seed: int, step: int) -> list[int]:
    """A QP, each as likely, for `count` pictures of a step: this process's share of the batch."""
    whole = np.random.default_rng([seed, 2, step]).choice(qps, count * distributed.processes())
    return [int(qp) for qp in distributed.share(list(whole))]


def read(path: Path, truths: Mapping[Path, Any] = _WITHOUT_LABELS) -> Example:
    """The picture, opaque, with its truth where there is one.

    Raises:
        BadInputError: it cannot be read.
    """
    name = files.display(path)
    image = images.flatten(images.read(files.read(str(path)), name), _GROUND)
    return Example(image.pixels, truth=truths.get(path))


def truths_of(pictures: Iterable[Image]) -> list[Any]:
    """What the data says of each picture; None where it does not."""
    return [picture.truth if isinstance(picture, Example) else None for picture in pictures]


def random_crop(image: Image, size: int, rng: np.random.Generator) -> Example:
    """A random square of the picture at `size`, mirrored half of the time; the truth follows."""
    return random_window(image, size, rng).example(image)


def centre_crop(image: Image, size: int) -> Example:
    """The largest square in the middle of the picture, at `size`; the truth follows."""
    return centre_window(image, size).example(image)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
