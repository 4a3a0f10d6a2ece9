"""Many pictures: read, encode or decode, write, one record a file; a bad file costs only itself."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from neurocodec import codecs, files, images, workers
from neurocodec.errors import BadInputError
from neurocodec.files import display
from neurocodec.images import MAX_PIXELS, Image
from neurocodec.jobs import Job
from neurocodec.measures.rate import bpp
from neurocodec.pipeline import Pipeline, Setting
from neurocodec.workers import Outcome

ITEM_TIMEOUT_S = 3600
PPM_ENDINGS = (".ppm", ".pgm", ".pnm")


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
    """Encode every job's source to its target; outcomes come in the jobs' order."""
    many = replace(setting, in_process=processes > 1)
    return _worked(encode_file, (_Encoding(job, many, max_pixels) for job in jobs), processes)


def encode_file(task: _Encoding) -> EncodeRecord:
    """Encode one file to another.

    Raises:
        BadInputError: the source cannot be read as a picture.
        UsageError: it has alpha that the codec cannot carry.
        ToolError: the encoder failed.
        OutputError: the target cannot be written.
    """
    job, setting = task.job, task.setting
    ready = _pipeline(setting)
    image = images.read(files.read(job.source), display(job.source), task.max_pixels)
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
    return _worked(filter_file, (_Encoding(job, setting, max_pixels) for job in jobs), processes)


def filter_file(task: _Encoding) -> FilterRecord:
    """Write one picture as the encoder would see it.

    Raises:
        BadInputError: the source cannot be read as a picture.
        OutputError: the target cannot be written.
    """
    job, setting = task.job, task.setting
    image = images.read(files.read(job.source), display(job.source), task.max_pixels)
    ready = _pipeline(setting)
    with files.naming(display(job.source)):
        filtered = ready.filter(image)
        picture = _picture_file(job.target, filtered)
    files.write(job.target, picture)
    return FilterRecord(job.source, job.target, ready.pre, filtered.width, filtered.height)


def _worked(
    function: Callable[[Task], Record], tasks: Iterable[Task], processes: int
) -> Iterator[Outcome[Job, Record]]:
    for outcome in workers.each(function, tasks, jobs=processes, timeout_s=ITEM_TIMEOUT_S):
        yield Outcome(outcome.item.job, outcome.result, outcome.error)


@lru_cache(maxsize=4)
def _pipeline(setting: Setting) -> Pipeline:
    return Pipeline(setting)


def _picture_file(target: str, image: Image) -> bytes:
    return images.ppm(image) if Path(target).suffix.lower() in PPM_ENDINGS else images.png(image)


def _check_sha256(data: bytes, expected: str | None) -> None:
    actual = hashlib.sha256(data).hexdigest()
    if expected is not None and actual != expected.lower():
        raise BadInputError(f"its sha256 is {actual}, not the expected {expected}")
