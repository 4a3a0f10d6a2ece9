"""Many pictures: read, encode or decode, write, one record a file; a bad file costs only itself."""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Generic, NoReturn, TypeVar

from neurocodec import codecs, files, images
from neurocodec.batch import grouping as filtering
from neurocodec.batch.engines import local as workers
from neurocodec.batch.engines.local import Outcome
from neurocodec.batch.grouping import Filtered
from neurocodec.batch.plan import Job
from neurocodec.errors import BadInputError, NeurocodecError
from neurocodec.files import display
from neurocodec.images import MAX_PIXELS, Image
from neurocodec.measures.rate import bpp
from neurocodec.pipeline import Pipeline, Setting

ITEM_TIMEOUT_S = 3600
PPM_ENDINGS = (".ppm", ".pgm", ".pnm")
# Filtered pictures that wait for an encoder: a few a process, but few large ones.
_AHEAD = 4
_AHEAD_PIXELS = 1 << 27


@dataclass(frozen=True)
class EncodeRecord:
    """What became of one encoded picture; its fields are those of `encode --json`."""

    input: str
    output: str
    codec: str
    encoder: str
    qp: int | None
    quality: int | None
    chroma: str
    pre: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    size_bytes: int
    bpp: float
    sha256: str
    encode_s: float


@dataclass(frozen=True)
class DecodeRecord:
    """What became of one decoded file; its fields are those of `decode --json`."""

    input: str
    output: str
    codec: str
    width: int
    height: int
    size_bytes: int
    bpp: float


@dataclass(frozen=True)
class FilterRecord:
    """What became of one filtered picture; its fields are those of `preprocess --json`."""

    input: str
    output: str
    pre: str
    width: int
    height: int


@dataclass(frozen=True)
class _Encoding:
    job: Job
    setting: Setting
    max_pixels: int


@dataclass(frozen=True)
class _Decoding:
    job: Job
    expected_sha256: str | None


Task = TypeVar("Task", _Encoding, _Decoding)
Record = TypeVar("Record")


def encode(
    jobs: Sequence[Job], setting: Setting, *, processes: int, max_pixels: int = MAX_PIXELS
) -> Iterator[Outcome[Job, EncodeRecord]]:
    """Encode every job's source to its target; outcomes come in the jobs' order.

    Where the filter is better on many pictures at once, this process filters, and the others
    encode what it hands them.
    """
    many = replace(setting, in_process=processes > 1)
    tasks = (_Encoding(job, many, max_pixels) for job in jobs)
    if pipeline(setting).batches:
        return _batched(_encode_filtered, tasks, pipeline(setting), processes)
    return _worked(encode_file, tasks, processes)


def encode_file(task: _Encoding) -> EncodeRecord:
    """Encode one file to another.

    Raises:
        BadInputError: the source cannot be read as a picture.
        UsageError: it has alpha that the codec cannot carry.
        ToolError: the encoder failed.
        OutputError: the target cannot be written.
    """
    return _encoded(task.job, task.setting, _read(task))


def _encode_filtered(filtered: Filtered[_Encoding]) -> EncodeRecord:
    task = filtered.item
    rest = replace(task.setting, filter="none", flatten=None)
    record = _encoded(task.job, rest, filtered.image)
    return replace(record, pre=filtered.pre, encode_s=record.encode_s + filtered.filter_s)


def _encoded(job: Job, setting: Setting, image: Image) -> EncodeRecord:
    ready = pipeline(setting)
    with files.naming(display(job.source)):
        encoded = ready.encode(image)
    files.write(job.target, encoded.data)
    return EncodeRecord(
        input=job.source,
        output=job.target,
        codec=setting.codec,
        encoder=ready.encoder,
        qp=setting.qp,
        quality=ready.level if ready.codec.unit == "quality" else None,
        chroma=setting.chroma or ready.codec.chromas[0],
        pre=ready.pre,
        width=image.width,
        height=image.height,
        coded_width=encoded.coded_width,
        coded_height=encoded.coded_height,
        size_bytes=len(encoded.data),
        bpp=encoded.bpp,
        sha256=encoded.sha256,
        encode_s=encoded.encode_s,
    )


def decode(
    jobs: Sequence[Job], *, processes: int, expected_sha256: str | None = None
) -> Iterator[Outcome[Job, DecodeRecord]]:
    """Decode every job's source to its target; outcomes come in the jobs' order."""
    return _worked(decode_file, (_Decoding(job, expected_sha256) for job in jobs), processes)


def decode_file(task: _Decoding) -> DecodeRecord:
    """Decode one file to a PNG, or to a PPM where the target's name says so.

    Raises:
        BadInputError: the source is damaged, of no known format, or not the file expected.
        OutputError: the target cannot be written.
    """
    job = task.job
    data = files.read(job.source)
    with files.naming(display(job.source)):
        _check_sha256(data, task.expected_sha256)
    codec = codecs.recognise(data, display(job.source))
    with files.naming(display(job.source)):
        image = codec.decode(data)
    files.write(job.target, _picture_file(job.target, image))
    rate = bpp(len(data), image.width, image.height)
    return DecodeRecord(
        job.source, job.target, codec.name, image.width, image.height, len(data), rate
    )


def preprocess(
    jobs: Sequence[Job], setting: Setting, *, processes: int, max_pixels: int = MAX_PIXELS
) -> Iterator[Outcome[Job, FilterRecord]]:
    """Filter every job's source into its target; outcomes come in the jobs' order."""
    tasks = (_Encoding(job, setting, max_pixels) for job in jobs)
    if pipeline(setting).batches:
        return _batched(_write_filtered, tasks, pipeline(setting), processes)
    return _worked(filter_file, tasks, processes)


def filter_file(task: _Encoding) -> FilterRecord:
    """Write one picture as the encoder would see it.

    Raises:
        BadInputError: the source cannot be read as a picture.
        OutputError: the target cannot be written.
    """
    ready, image = pipeline(task.setting), _read(task)
    start = time.perf_counter()
    with files.naming(display(task.job.source)):
        filtered = ready.filter(image)
    return _write_filtered(Filtered(task, filtered, ready.pre, time.perf_counter() - start))


def _write_filtered(filtered: Filtered[_Encoding]) -> FilterRecord:
    task, image = filtered.item, filtered.image
    with files.naming(display(task.job.source)):
        picture = _picture_file(task.job.target, image)
    files.write(task.job.target, picture)
    return FilterRecord(task.job.source, task.job.target, filtered.pre, image.width, image.height)


def _worked(
    function: Callable[[Task], Record], tasks: Iterable[Task], processes: int
) -> Iterator[Outcome[Job, Record]]:
    for outcome in workers.each(function, tasks, jobs=processes, timeout_s=ITEM_TIMEOUT_S):
        yield Outcome(outcome.item.job, outcome.result, outcome.error)


def _batched(
    function: Callable[[Filtered[_Encoding]], Record],
    tasks: Iterable[_Encoding],
    ready: Pipeline,
    processes: int,
) -> Iterator[Outcome[Job, Record]]:
    jobs = processes if processes > 1 else 0
    with workers.Pool(function, jobs=jobs, timeout_s=ITEM_TIMEOUT_S) as pool:
        waiting: deque[_Waiting[Record]] = deque()
        for one in filtering.each(tasks, _read, ready):
            waiting.append(_handed_in(pool, one))
            while _full(waiting, jobs):
                yield waiting.popleft().outcome()
        for last in waiting:
            yield last.outcome()


@dataclass(frozen=True, eq=False)
class _Waiting(Generic[Record]):
    """A job whose picture is filtered, or failed: then fetching raises."""

    job: Job
    pixels: int
    fetch: Callable[[], Record]

    def outcome(self) -> Outcome[Job, Record]:
        try:
            return Outcome(self.job, self.fetch(), None)
        except NeurocodecError as exc:
            return Outcome(self.job, None, exc)


def _handed_in(
    pool: workers.Pool[Filtered[_Encoding], Record],
    one: Outcome[_Encoding, Filtered[_Encoding]],
) -> _Waiting[Record]:
    if one.result is None:
        return _Waiting(one.item.job, 0, partial(_fail, one.error))
    image = one.result.image
    return _Waiting(one.item.job, image.width * image.height, pool.submit(one.result))


def _full(waiting: Collection[_Waiting[Record]], jobs: int) -> bool:
    many = len(waiting) > _AHEAD * jobs
    return many or (len(waiting) > 1 and sum(one.pixels for one in waiting) > _AHEAD_PIXELS)


def _fail(error: NeurocodecError | None) -> NoReturn:
    assert error is not None
    raise error


def _read(task: _Encoding) -> Image:
    source = task.job.source
    return images.read(files.read(source), display(source), task.max_pixels)


@lru_cache(maxsize=4)
def pipeline(setting: Setting) -> Pipeline:
    """The setting made ready, once for all that this process does under it."""
    return Pipeline(setting)


def _picture_file(target: str, image: Image) -> bytes:
    return images.ppm(image) if Path(target).suffix.lower() in PPM_ENDINGS else images.png(image)


def _check_sha256(data: bytes, expected: str | None) -> None:
    actual = hashlib.sha256(data).hexdigest()
    if expected is not None and actual != expected.lower():
        raise BadInputError(f"its sha256 is {actual}, not the expected {expected}")
