"""Rate–accuracy curves: every picture really encoded and decoded, at every operating point."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from neurocodec import __version__, files
from neurocodec.batch.engines.local import Local, Outcome
from neurocodec.evaluation import coding
from neurocodec.evaluation.coding import Coding, OperatingPoint
from neurocodec.evaluation.results import Key, PictureResult, Point, Setup
from neurocodec.measures.rate import bpp
from neurocodec.pipeline import RoundTrip, Setting, prepared
from neurocodec.tasks import PictureScore, Task
from neurocodec.tasks.datasets import Sample

BATCH = 32

Value = TypeVar("Value")


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
            return [p for batch in _batches(originals, BATCH) for p in self.task.predict(batch)]

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
        level = _level(point)
        return self.setup(point.setting), level["qp"], level["quality"]

    def measure(
        self, grid: Sequence[OperatingPoint], advance: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[Point, list[PictureResult]]]:
        """The result at every operating point, each with its pictures, as soon as it is complete.

        Points that make the same files, such as a schedule that names "none" for a QP, are
        measured once.

        Args:
            grid: in the order of the results.
            advance: called for every picture coded.

        Raises:
            NeurocodecError: a picture could not be read, coded or recognised: no point goes
                without one of its pictures.
        """
        identities = [point.fingerprint for point in grid]
        firsts = dict(zip(reversed(identities), reversed(grid), strict=True))
        tasks = [
            Coding(str(picture.path), firsts[identity], self.cache)
            for identity in dict.fromkeys(identities)
            for picture in self.pictures
        ]
        measured: dict[str, tuple[Point, list[PictureResult]]] = {}
        with Local(self.jobs) as engine:
            coded = _results(engine.map(coding.code, tasks))
            for point, identity in zip(grid, identities, strict=True):
                if identity not in measured:
                    pictures = _counted(islice(coded, len(self.pictures)), advance)
                    measured[identity] = self._point(point, pictures)
                else:
                    for _ in self.pictures:
                        advance()
                yield _renamed(*measured[identity], self.setup(point.setting))

    def _point(
        self, point: OperatingPoint, coded: Iterable[RoundTrip]
    ) -> tuple[Point, list[PictureResult]]:
        setup, level = self.setup(point.setting), _level(point)
        results: list[PictureResult] = []
        scores: list[PictureScore] = []
        for batch in _batches(coded, BATCH):
            predictions = self.task.predict([one.image for one in batch])
            place = slice(len(scores), len(scores) + len(batch))
            pictures, clean = self.pictures[place], self._clean(place)
            for one, prediction, before, picture in zip(
                batch, predictions, clean, pictures, strict=True
            ):
                score = self.task.score(prediction, before, picture.ground_truth)
                scores.append(score)
                results.append(_picture_result(setup, level, picture.name, one, score))
        bits = 8 * sum(result.size_bytes for result in results)
        rate = bits / sum(result.width * result.height for result in results)
        return Point(setup=setup, **level, bpp=rate, scores=self.task.score_set(scores)), results

    def _clean(self, place: slice) -> Sequence[Any]:
        """The clean predictions of some pictures; the pictures themselves for a task by likeness.

        Originals are read again, batch by batch: memory never holds the whole set.
        """
        if not self.task.keeps_originals:
            return self.clean_predictions[place]
        return [coding.read_original(str(picture.path)) for picture in self.pictures[place]]


def _level(point: OperatingPoint) -> dict[str, Any]:
    return {"qp": None, "quality": None, **point.level.record()}


def _results(outcomes: Iterable[Outcome[Any, Value]]) -> Iterator[Value]:
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
        assert outcome.result is not None
        yield outcome.result


def _picture_result(
    setup: Setup, level: dict[str, int | None], name: str, coded: RoundTrip, score: PictureScore
) -> PictureResult:
    width, height = coded.image.width, coded.image.height
    return PictureResult(
        setup=setup,
        **level,
        picture=name,
        width=width,
        height=height,
        size_bytes=coded.size_bytes,
        bpp=bpp(coded.size_bytes, width, height),
        scores=score.scores,
        evidence=score.evidence,
    )


def _renamed(
    point: Point, results: Sequence[PictureResult], setup: Setup
) -> tuple[Point, list[PictureResult]]:
    """The same measurement as a point of another curve."""
    return replace(point, setup=setup), [replace(result, setup=setup) for result in results]


def _counted(values: Iterable[Value], advance: Callable[[], None]) -> Iterator[Value]:
    for value in values:
        advance()
        yield value


def _batches(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    iterator = iter(values)
    while batch := list(islice(iterator, size)):
        yield batch
