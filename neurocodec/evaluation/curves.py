"""Rate–accuracy curves: every picture really encoded and decoded, under every setting."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from neurocodec import __version__, files
from neurocodec.batch.engines import local as workers
from neurocodec.evaluation import coding
from neurocodec.evaluation.coding import Coded, Coding
from neurocodec.evaluation.results import PictureResult, Point, Setup
from neurocodec.measures.rate import bpp
from neurocodec.pipeline import Pipeline, Setting
from neurocodec.tasks import PictureScore, Task
from neurocodec.tasks.datasets import Sample

BATCH = 32
ITEM_TIMEOUT_S = 3600

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Experiment:
    """One task over one set of pictures, to be measured under many settings.

    Attributes:
        data: what the set is called in results.
        pictures: with their labels, in the order of results.
        task: the recogniser and its question.
        cache: where coded files are kept, or None.
        jobs: processes that encode and decode while the recogniser works in this one.
    """

    data: str
    pictures: Sequence[Sample]
    task: Task
    cache: Path | None
    jobs: int

    @cached_property
    def pictures_sha256(self) -> str:
        """Of the pictures' own sha256s: equal for equal content in equal order."""
        whole = hashlib.sha256()
        for picture in self.pictures:
            whole.update(hashlib.sha256(files.read(str(picture.path))).digest())
        return whole.hexdigest()

    @cached_property
    def clean_answers(self) -> list[Any]:
        """The recogniser's answers to the original pictures."""
        paths = [str(picture.path) for picture in self.pictures]
        originals = self._worked(coding.read_original, paths)
        return [a for batch in _batches(originals, BATCH) for a in self.task.predict(batch)]

    def setup(self, setting: Setting) -> Setup:
        """What results say of a curve under `setting`."""
        ready = Pipeline(setting)
        return Setup(
            data=self.data,
            pictures=len(self.pictures),
            pictures_sha256=self.pictures_sha256,
            task=self.task.name,
            model=self.task.model,
            model_sha256=self.task.model_sha256,
            codec=setting.codec,
            encoder=ready.codec.encoder,
            chroma=setting.chroma or ready.codec.chromas[0],
            pre=setting.filter,
            weights_sha256=getattr(ready.chosen_filter, "weights_sha256", ""),
            neurocodec=__version__,
        )

    def measure(
        self, settings: Sequence[Setting], advance: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[Point, list[PictureResult]]]:
        """The point of every setting, each with its pictures, as soon as it is complete.

        Settings that make the same files, such as a schedule that says "none" for a QP, are
        measured once.

        Args:
            settings: in the order of the points.
            advance: called for every picture coded.

        Raises:
            NeurocodecError: a picture could not be read, coded or answered: no point goes
                without one of its pictures.
        """
        identities = [coding.fingerprint(Pipeline(setting)) for setting in settings]
        firsts = dict(zip(reversed(identities), reversed(settings), strict=True))
        tasks = [
            Coding(str(picture.path), firsts[identity], self.cache)
            for identity in dict.fromkeys(identities)
            for picture in self.pictures
        ]
        coded = self._worked(coding.code, tasks)
        measured: dict[str, tuple[Point, list[PictureResult]]] = {}
        for setting, identity in zip(settings, identities, strict=True):
            if identity not in measured:
                own = _counted(islice(coded, len(self.pictures)), advance)
                measured[identity] = self._point(setting, own)
            else:
                for _ in self.pictures:
                    advance()
            yield _named(*measured[identity], self.setup(setting))

    def _point(self, setting: Setting, coded: Iterable[Coded]) -> tuple[Point, list[PictureResult]]:
        clean = iter(zip(self.pictures, self.clean_answers, strict=True))
        setup = self.setup(setting)
        level = {"qp": setting.qp, "quality": setting.quality}
        results, scores = [], []
        for batch in _batches(coded, BATCH):
            answers = self.task.predict([one.image for one in batch])
            for one, answer, (picture, clean_answer) in zip(batch, answers, clean, strict=False):
                score = self.task.score(answer, clean_answer, picture.ground_truth)
                scores.append(score)
                results.append(_picture_result(setup, level, picture.name, one, score))
        bits = 8 * sum(result.size_bytes for result in results)
        rate = bits / sum(result.width * result.height for result in results)
        return Point(setup=setup, **level, bpp=rate, scores=self.task.score_set(scores)), results

    def _worked(self, function: Any, items: Iterable[Any]) -> Iterator[Any]:
        for outcome in workers.each(function, items, jobs=self.jobs, timeout_s=ITEM_TIMEOUT_S):
            if outcome.error is not None:
                raise outcome.error
            yield outcome.result


def _picture_result(
    setup: Setup, level: dict[str, int | None], name: str, coded: Coded, score: PictureScore
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


def _named(
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
