"""Training pictures: a folder's files, cropped and mirrored at random, the same at every call."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurocodec import files, images
from neurocodec.batch.engines import local
from neurocodec.errors import BadInputError
from neurocodec.filters.blur import Blur
from neurocodec.images import Image
from neurocodec.tasks import datasets
from neurocodec.training import distributed
from neurocodec.training.config import Config
from neurocodec.training.crops import Example, centre_crop, random_crop
from neurocodec.training.report import Report

_GROUND = "white"
_VALIDATION = 32
_NEEDED = {
    "classification": "a labels.csv with the columns file and class_index, or one folder a class",
    "detection": "COCO's instances*.json, or Pascal VOC's XML files",
}


@dataclass(frozen=True)
class Split:
    """The files of a folder, some of them kept apart from training.

    Attributes:
        training: to train on.
        validation: kept apart.
        ground_truth: of all of them, by path; empty for a training without labels.
    """

    training: tuple[Path, ...]
    validation: tuple[Path, ...] = ()
    ground_truth: Mapping[Path, Any] = field(default_factory=dict)

    def read(self, path: Path) -> Example:
        """The picture, opaque, with its ground truth where there is one."""
        image = images.flatten(images.read(files.read(str(path)), files.display(path)), _GROUND)
        return Example(image.pixels, ground_truth=self.ground_truth.get(path))

    def centres(self, paths: Sequence[Path], size: int, report: Report) -> list[Image]:
        """The middles of some of the pictures; one that cannot be read is left out with a note."""
        centres: list[Image] = []
        for path in report.tracked(paths, len(paths), "reading pictures"):
            try:
                picture = self.read(path)
                centres.append(centre_crop(picture, size).example(picture))
            except BadInputError as exc:
                report.note(f"a picture is left out: {exc}")
        return centres


def split(folder: Path, validation: int | None, task: str | None = None) -> Split:
    """The pictures below `folder`, some of them for validation only.

    The choice depends on no seed, so that every training on a folder keeps the same ones apart.

    Args:
        folder: of the pictures; with a task a COCO .json file too.
        validation: how many; None is 32, but at most a quarter.
        task: whose labels are wanted, read as `tasks.datasets.read` does; pictures without a label
            are left out. None reads no labels.

    Raises:
        BadInputError: no such folder, too few pictures in it, or labels that are missing or cannot
            be read.
        UsageError: the folder has several annotation files that would serve.
    """
    if task is None:
        paths = datasets.pictures_below(folder)
        names = {path: path.relative_to(folder).as_posix() for path in paths}
        return _shuffled(folder, names, validation, {})
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
    folder: Path,
    names: Mapping[Path, str],
    validation: int | None,
    ground_truth: Mapping[Path, Any],
) -> Split:
    apart = min(_VALIDATION, len(names) // 4) if validation is None else validation
    if len(names) <= apart:
        raise BadInputError(
            f"{files.display(folder)}: has {len(names)} pictures, training needs more than the "
            f"{apart} for validation"
        )
    shuffled = sorted(names, key=lambda path: _digest(names[path]))
    return Split(tuple(shuffled[apart:]), tuple(shuffled[:apart]), ground_truth)


class Crops:
    """An endless sequence of batches of random square crops: batch k is the same at every call.

    Every epoch goes through all pictures in another order. A crop is a random square, from
    `config.size` to the shorter side, resized, mirrored half of the time and, with
    `blur_augmentation`, blurred by a random sigma: training pictures differ in sharpness. Where
    several processes train together each has its share of the batch. A picture that cannot be read
    is left out with a note, and the next one takes its place.

    Args:
        readers: processes that read; 0 reads in a thread. A GPU waits for Python, which a thread
            that reads would hold up.
    """

    def __init__(
        self,
        pictures: Split,
        config: Config,
        report: Report | None = None,
        readers: int = 0,
    ) -> None:
        self._pictures = pictures
        self._config = config
        self._unreadable: set[Path] = set()
        self.report = report or Report()
        self._apart = readers > 0
        self._reader = (
            local.keeping(self, _begin, readers) if self._apart else ThreadPoolExecutor(1)
        )
        self._ahead = max(1, 2 * readers)
        self._waiting: dict[int, Callable[[], _Read]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What a process that reads needs."""
        names = ("_pictures", "_config", "_unreadable")
        return {name: vars(self)[name] for name in names} | {"report": Report()}

    def batch(self, step: int) -> list[Image]:
        """Batch number `step`; the next ones are read meanwhile.

        Raises:
            BadInputError: no picture can be read.
        """
        wanted = range(step, step + self._ahead + 1)
        self._waiting = {one: self._waiting.get(one) or self._start(one) for one in wanted}
        crops, notes = self._waiting.pop(step)()
        for note in notes:
            self.report.note(note)
        return crops

    def read(self, numbers: Sequence[int]) -> list[Image]:
        """What becomes of the training pictures of these numbers."""
        return [crop for number in numbers for crop in self._of(number)]

    def _start(self, step: int) -> Callable[[], "_Read"]:
        numbers = distributed.share(self._numbers(step))
        if self._apart:
            return self._reader.submit(_read, numbers).result
        return self._reader.submit(lambda: (self.read(numbers), [])).result

    def _numbers(self, step: int) -> range:
        """The numbers of the training pictures of a step."""
        batch = self._config.batch
        return range(step * batch, (step + 1) * batch)

    def _of(self, number: int) -> list[Image]:
        return [self._crop(number)]

    def _crop(self, number: int) -> Image:
        rng = np.random.default_rng([self._config.seed, 1, number])
        picture = self._picture(number)
        crop = random_crop(picture, self._config.size, rng).example(picture)
        if not self._config.blur_augmentation:
            return crop
        blur = Blur(rng.uniform(0, self._config.blur_augmentation))
        return Example(blur(crop, 0).pixels, ground_truth=crop.ground_truth)

    def _picture(self, number: int) -> Example:
        paths = self._pictures.training
        epoch, place = divmod(number, len(paths))
        order = _order(self._config.seed, epoch, len(paths))
        for following in range(len(paths)):
            path = paths[order[(place + following) % len(paths)]]
            if path in self._unreadable:
                continue
            try:
                return self._pictures.read(path)
            except BadInputError as exc:
                self._unreadable.add(path)
                self.report.note(f"a picture is left out: {exc}")
        raise BadInputError("none of the training pictures can be read: name another --data")


_Read = tuple[list[Image], list[str]]  # crops, and notes
_HERE: list[Crops] = []  # in a process that reads


def _begin(crops: Crops) -> None:
    _HERE[:] = [crops]


def _read(numbers: Sequence[int]) -> _Read:
    """Read in a process of its own; notes go to the one that trains."""
    (crops,) = _HERE
    return crops.read(numbers), [*crops.report.take_notes()]


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng([seed, 0, epoch]).permutation(count)


def draw_qps(qps: Sequence[int], count: int, *, seed: int, step: int) -> list[int]:
    """A random QP for each of `count` pictures of a step: this process's share of the batch."""
    drawn = np.random.default_rng([seed, 2, step]).choice(qps, count * distributed.processes())
    return [int(qp) for qp in distributed.share(list(drawn))]


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
