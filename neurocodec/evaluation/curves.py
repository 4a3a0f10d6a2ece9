"""Rate–accuracy curves: every picture really encoded and decoded, at every operating point."""

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from neurocodec import __version__, files
from neurocodec.batch import coding
from neurocodec.batch.coding import Coding, OperatingPoint
from neurocodec.batch.engines.local import Local, Outcome
from neurocodec.errors import UsageError
from neurocodec.evaluation.results import Key, PictureResult, Point, Setup
from neurocodec.measures.rate import bpp
from neurocodec.pipeline import RoundTrip, Setting, prepared
from neurocodec.tasks import Task
from neurocodec.tasks.classification import Classification
from neurocodec.tasks.datasets import Sample

BATCH = 32

Value = TypeVar("Value")
Measurement = tuple[Point, list[PictureResult]]


@dataclass(frozen=True, eq=False)
class Experiment:
    """One task over one set of pictures, to be measured at many operating points.

    Attributes:
        data: name of the set in results.
        pictures: pictures with their ground truth, in the order of results.
        task: the recogniser and its question.
        cache: folder that stores coded files, or None.
        jobs: worker processes that encode and decode while the recogniser works in this one; 0
            does all in this one.
    """

    data: str
    pictures: Sequence[Sample]
    task: Task
    cache: Path | None
    jobs: int

    @cached_property
    def pictures_sha256(self) -> str:
        """SHA-256 of the pictures' SHA-256s: equal for equal content in equal order."""
        digest = hashlib.sha256()
        for picture in self.pictures:
            digest.update(hashlib.sha256(files.read(str(picture.path))).digest())
        return digest.hexdigest()

    @cached_property
    def clean_predictions(self) -> list[Any]:
        """The recogniser's predictions on the original pictures."""
        paths = [str(picture.path) for picture in self.pictures]
        with Local(self.jobs) as engine:
            originals = _results(engine.map(coding.read_original, paths))
            labels = iter([picture.ground_truth for picture in self.pictures])
            predictions: list[Any] = []
            for batch in _batches(originals):
                predictions += self.task.predict_at(batch, list(islice(labels, len(batch))))
            return predictions

    def setup(self, setting: Setting) -> Setup:
        """The description of a curve under `setting`, as results have it."""
        pipeline = prepared(setting)
        return Setup(
            data=self.data,
            pictures=len(self.pictures),
            pictures_sha256=self.pictures_sha256,
            task=self.task.name,
            model=self.task.model,
            model_sha256=self.task.model_sha256,
            codec=setting.codec,
            encoder=pipeline.codec.encoder,
            chroma=pipeline.codec.chroma,
            pre=setting.filter,
            weights_sha256=pipeline.loaded_filter.weights_sha256,
            neurocodec=__version__,
        )

    def key(self, point: OperatingPoint) -> Key:
        """The key of a point in results."""
        return self.setup(point.setting), point.level

    def measure(
        self,
        grid: Sequence[OperatingPoint],
        advance: Callable[[], None] = lambda: None,
        engine: Local | None = None,
    ) -> Iterator[Measurement]:
        """The result at every operating point: `measure_all` with this experiment alone."""
        return measure_all([self], grid, advance=advance, engine=engine)

    def rows(self, key: Key, first: int, batch: Sequence[RoundTrip]) -> Iterator[PictureResult]:
        """The results of coded pictures, from number `first` on."""
        place = slice(first, first + len(batch))
        predictions = self._predictions(batch, self.pictures[place])
        coded = zip(self.pictures[place], batch, predictions, self._clean(place), strict=True)
        for picture, one, prediction, clean in coded:
            score = self.task.score(prediction, clean, picture.ground_truth)
            size = one.image.width, one.image.height
            line = *key, picture.name, *size, one.size_bytes, bpp(one.size_bytes, *size)
            yield PictureResult(*line, score.scores, score.evidence)

    def point(self, key: Key, rows: Sequence[PictureResult]) -> Point:
        """The result of all pictures."""
        pixels = sum(row.width * row.height for row in rows)
        rate = bpp(sum(row.size_bytes for row in rows), pixels, 1)
        return Point(*key, rate, self.task.score_set([row.score for row in rows]))

    def check(self, grid: Sequence[OperatingPoint]) -> None:
        """Refuse codecs that predict what the task does not ask; raises UsageError."""
        for codec in {point.pipeline.codec for point in grid}:
            if codec.predicts and self.task.name != Classification.name:
                raise UsageError(f"{codec.name}:latents=1 is for --task classification")

    def _predictions(self, batch: Sequence[RoundTrip], of: Sequence[Sample]) -> Sequence[Any]:
        """The recogniser's, or the codec's own where it predicts."""
        logits = [one.logits for one in batch if one.logits is not None]
        labels = [picture.ground_truth for picture in of]
        return logits or self.task.predict_at([one.image for one in batch], labels)

    def _clean(self, place: slice) -> Sequence[Any]:
        """The clean predictions of some pictures; the pictures themselves for a task by likeness.

        Originals are read again, batch by batch: memory never holds the whole set.
        """
        if not self.task.keeps_originals:
            return self.clean_predictions[place]
        return [coding.read_original(str(picture.path)) for picture in self.pictures[place]]


def measure_all(
    experiments: Sequence[Experiment],
    grid: Sequence[OperatingPoint],
    *,
    done: Container[Key] = (),
    advance: Callable[[], None] = lambda: None,
    engine: Local | None = None,
) -> Iterator[Measurement]:
    """Measure experiments over the same pictures, each of which is coded once for all of them.

    Args:
        experiments: one at least, of the same pictures, cache and jobs.
        grid: in the order of the results.
        done: keys of what is not wanted.
        advance: called for every picture coded.
        engine: worker processes to use instead of new ones, which take seconds to start.

    Yields:
        The result of every experiment at every operating point, with its pictures, as soon as the
        point is complete.

    Raises:
        NeurocodecError: a picture could not be read, coded or recognised: no point goes without
            one of its pictures; or a codec predicts what the task does not ask.
    """
    wanted = [(point, _asking(experiments, point, done)) for point in grid]
    wanted = [(point, asking) for point, asking in wanted if asking]
    for one in experiments:
        one.check([point for point, _ in wanted])
    first = experiments[0]
    paths = [str(picture.path) for picture in first.pictures]
    tasks = [Coding(path, point, first.cache) for point, _ in wanted for path in paths]
    with nullcontext(engine) if engine is not None else Local(first.jobs) as workers:
        coded = _results(workers.map(coding.code, tasks), advance)
        for point, asking in wanted:
            yield from _measured(asking, point, islice(coded, len(paths)))


def _asking(
    experiments: Sequence[Experiment], point: OperatingPoint, done: Container[Key]
) -> list[Experiment]:
    return [one for one in experiments if one.key(point) not in done]


def _measured(
    experiments: Sequence[Experiment], point: OperatingPoint, coded: Iterator[RoundTrip]
) -> Iterator[Measurement]:
    keys = [one.key(point) for one in experiments]
    rows: list[list[PictureResult]] = [[] for _ in experiments]
    for batch in _batches(coded):
        for one, key, results in zip(experiments, keys, rows, strict=True):
            results.extend(one.rows(key, len(results), batch))
    for one, key, results in zip(experiments, keys, rows, strict=True):
        yield one.point(key, results), results


def _results(
    outcomes: Iterable[Outcome[Any, Value]], advance: Callable[[], None] = lambda: None
) -> Iterator[Value]:
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
        assert outcome.result is not None
        advance()
        yield outcome.result


def _batches(values: Iterator[Value]) -> Iterator[list[Value]]:
    while batch := list(islice(values, BATCH)):
        yield batch
