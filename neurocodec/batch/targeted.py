"""Many pictures brought to a target: each by itself, or all together at one level."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean

from neurocodec import files
from neurocodec.batch import coding, handling, scoring, targets
from neurocodec.batch.coding import Encodings
from neurocodec.batch.engines.engine import Engine, Workers
from neurocodec.batch.engines.local import Outcome
from neurocodec.batch.handling import Coded, Handling
from neurocodec.batch.plan import Job
from neurocodec.batch.records import EncodeRecord
from neurocodec.batch.run import Result, encode_record, own_codec
from neurocodec.batch.scoring import Scores
from neurocodec.batch.targets import Choice, Reached, Target
from neurocodec.codecs import Level
from neurocodec.errors import NeurocodecError, UsageError
from neurocodec.files import STANDARD, display
from neurocodec.images import Image
from neurocodec.measures.rate import bpp
from neurocodec.pipeline import Encoded, Pipeline, Setting, prepared


@dataclass(frozen=True)
class Work:
    """What `encode` does to every picture.

    Attributes:
        setting: codec and filter.
        target: what the level has to reach.
        together: one level for all pictures, at which their mean holds.
        strict: a target that no level reaches is an error.
        cache: coded files serve later runs.
        workers: that do it.
        handling: of the files.
    """

    setting: Setting
    target: Target
    together: bool = False
    strict: bool = False
    cache: bool = True
    workers: Workers = field(default_factory=Workers)
    handling: Handling = field(default_factory=Handling)


@dataclass(frozen=True)
class _Task:
    """A picture to encode; at a level and with what came of the target, where these are settled."""

    job: Job
    work: Work
    cache: Path | None
    level: Level | None = None
    reached: Reached | None = None


@dataclass(frozen=True, eq=False)
class _Sample:
    """One picture at one level of a batch that is brought to its target together."""

    size_bytes: int
    pixels: int
    scores: Scores
    encodings: int


def encode(jobs: Sequence[Job], work: Work) -> Iterator[Outcome[Job, EncodeRecord]]:
    """Encode every job's source to its target; outcomes come in the jobs' order.

    Raises:
        UsageError: pictures together are strictly asked for what no level reaches, or one of them
            is on standard input, which cannot be read once a level.
    """
    if not work.together or len(jobs) < 2:
        cache = coding.default_cache() if work.cache else None
        with work.workers.start() as engine:
            for one in engine.map(_encode, [_Task(job, work, cache) for job in jobs]):
                yield Outcome(one.item.job, one.result, one.error)
        return
    if any(job.source == STANDARD for job in jobs):
        raise UsageError("--per folder reads pictures several times: - cannot be among them")
    with coding.kept(work.cache) as folder, work.workers.start() as engine:
        yield from _Folder(jobs, work, folder, engine).outcomes()


def choose(encodings: Encodings, pipeline: Pipeline, image: Image, target: Target) -> Choice:
    """Find the level of one picture.

    Args:
        encodings: of the picture.
        pipeline: what encodes it.
        image: the picture.
        target: what the level has to reach.

    Raises:
        NeurocodecError: it cannot be encoded, or has no such score.
    """
    measure = _measure(encodings, pipeline, image, target)
    return targets.choose(pipeline, target, measure, image.width * image.height)


def _encode(task: _Task) -> EncodeRecord:
    job, work, pipeline = task.job, task.work, prepared(task.work.setting)
    opened = handling.read(job, work.handling, own_codec(pipeline))
    image = opened.image
    with files.naming(display(job.source)):
        encodings = Encodings(pipeline, image, task.cache)
        choice = choose(encodings, pipeline, image, work.target)
        if work.strict:
            choice.check()
        encoded = encodings(choice.level)
    coded = _coded(pipeline, image, encoded)
    written = handling.write(job, encoded.data, opened.facts, work.handling, coded)
    reached = choice.reached(encodings.made)
    result = Result(encoded, opened.facts, written, choice.level, reached)
    return encode_record(job, pipeline, result)


def _coded(pipeline: Pipeline, image: Image, encoded: Encoded) -> Coded:
    size = (encoded.coded_width, encoded.coded_height)
    return Coded(pipeline.codec, pipeline.flattened(image), size)


def _measure(
    encodings: Encodings, pipeline: Pipeline, image: Image, target: Target
) -> Callable[[Level], float]:
    if target.quantity == targets.BPP:
        return lambda level: encodings(level).bpp
    if target.quantity == targets.SIZE:
        return lambda level: len(encodings(level).data)
    panel = scoring.panel(target, pipeline.setting.device)
    score = _scores(encodings, pipeline, image, target)
    return lambda level: panel.value([score(level)])


def _scores(
    encodings: Encodings, pipeline: Pipeline, image: Image, target: Target
) -> Callable[[Level], Scores]:
    """A function from a level to the picture's scores there; none for a rate."""
    if target.is_rate:
        return lambda level: ()
    panel = scoring.panel(target, pipeline.setting.device)
    original = pipeline.flattened(image)
    clean = panel.predict(original)

    def score(level: Level) -> Scores:
        return panel.score(clean, pipeline.codec.decode(encodings(level).data), original)

    return score


class _Folder:
    """Pictures that share a level; one that fails is left out of the mean and costs itself only."""

    def __init__(self, jobs: Sequence[Job], work: Work, cache: Path, engine: Engine) -> None:
        self._jobs, self._work, self._cache, self._engine = jobs, work, cache, engine
        self._errors: dict[Job, NeurocodecError] = {}
        self._encodings = dict.fromkeys(jobs, 0)

    def outcomes(self) -> Iterator[Outcome[Job, EncodeRecord]]:
        """Settle the level, then write every picture at it."""
        pipeline = prepared(self._work.setting)
        choice = targets.choose(pipeline, self._work.target, self._mean)
        if self._work.strict and len(self._errors) < len(self._jobs):
            choice.check()
        tasks = [
            replace(task, reached=choice.reached(self._encodings[task.job]))
            for task in self._tasks(choice.level)
        ]
        written = self._engine.map(_write, tasks)
        for job in self._jobs:
            if job in self._errors:
                yield Outcome(job, None, self._errors[job])
            else:
                one = next(written)
                yield Outcome(job, one.result, one.error)

    def _tasks(self, level: Level) -> list[_Task]:
        """The pictures that have not failed."""
        jobs = [job for job in self._jobs if job not in self._errors]
        return [_Task(job, self._work, self._cache, level) for job in jobs]

    def _mean(self, level: Level) -> float:
        samples: list[_Sample] = []
        for one in self._engine.map(_sample, self._tasks(level)):
            if one.result is None:
                assert one.error is not None
                self._errors[one.item.job] = one.error
            else:
                samples.append(one.result)
                self._encodings[one.item.job] += one.result.encodings
        if not samples:
            return self._work.target.value  # every picture failed: nothing is left to search for
        return self._value(samples)

    def _value(self, samples: Sequence[_Sample]) -> float:
        target = self._work.target
        sizes = [sample.size_bytes for sample in samples]
        if target.quantity == targets.BPP:
            return bpp(sum(sizes), sum(sample.pixels for sample in samples), 1)
        if target.quantity == targets.SIZE:
            return fmean(sizes)
        panel = scoring.panel(target, self._work.setting.device)
        return panel.value([sample.scores for sample in samples])


def _sample(task: _Task) -> _Sample:
    work, level, pipeline = task.work, task.level, prepared(task.work.setting)
    assert level is not None
    image = handling.read(task.job, work.handling).image
    with files.naming(display(task.job.source)):
        encodings = Encodings(pipeline, image, task.cache)
        size_bytes = len(encodings(level).data)
        scores = _scores(encodings, pipeline, image, work.target)(level)
    return _Sample(size_bytes, image.width * image.height, scores, encodings.made)


def _write(task: _Task) -> EncodeRecord:
    """Write a picture at the level that was chosen, from the file that was made on the way."""
    job, level, pipeline = task.job, task.level, prepared(task.work.setting)
    assert level is not None
    opened = handling.read(job, task.work.handling, own_codec(pipeline))
    with files.naming(display(job.source)):
        encoded = Encodings(pipeline, opened.image, task.cache)(level)
    coded = _coded(pipeline, opened.image, encoded)
    written = handling.write(job, encoded.data, opened.facts, task.work.handling, coded)
    result = Result(encoded, opened.facts, written, level, task.reached)
    return encode_record(job, pipeline, result)
