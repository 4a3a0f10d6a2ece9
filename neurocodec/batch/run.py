"""Many pictures: read, filter, encode or decode, write; a bad file costs itself only."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from neurocodec import codecs, files, images
from neurocodec.batch import grouping
from neurocodec.batch.engines.local import Local, Outcome
from neurocodec.batch.plan import Job, any_present
from neurocodec.batch.records import DecodeRecord, EncodeRecord, FilterRecord
from neurocodec.batch.targets import Reached
from neurocodec.codecs import Level
from neurocodec.errors import BadInputError
from neurocodec.files import display
from neurocodec.images import MAX_PIXELS, Image
from neurocodec.measures.rate import bpp
from neurocodec.pipeline import Encoded, Filtered, Pipeline, Setting, prepared, read

PPM_ENDINGS = (".ppm", ".pgm", ".pnm")

Record = TypeVar("Record")


@dataclass(frozen=True)
class Work:
    """What `encode` and `filter_pictures` do to every picture.

    Attributes:
        setting: codec and filter.
        level: in any unit that the codec takes.
        processes: worker processes; 0 works in this process.
        max_pixels: larger pictures are refused unread.
    """

    setting: Setting
    level: Level
    processes: int = 0
    max_pixels: int = MAX_PIXELS


@dataclass(frozen=True)
class _Task:
    job: Job
    work: Work


@dataclass(frozen=True)
class _Decoding:
    job: Job
    expected_sha256: str | None
    settings: Mapping[str, Any]


def encode(jobs: Sequence[Job], work: Work) -> Iterator[Outcome[Job, EncodeRecord]]:
    """Encode every job's source to its target; outcomes come in the jobs' order."""
    return _filtered(_encode, jobs, work)


def encode_record(
    job: Job, pipeline: Pipeline, encoded: Encoded, level: Level, target: Reached | None = None
) -> EncodeRecord:
    """The record of an encoded picture.

    Args:
        job: its source, and where its file went.
        pipeline: what encoded it.
        encoded: the file and what it cost.
        level: as it was given, or as a target chose it.
        target: what came of the target.
    """
    return EncodeRecord(
        input=job.source,
        output=job.target,
        codec=pipeline.setting.codec,
        encoder=encoded.encoder,
        level=level.record(),
        qp=level.record().get("qp"),
        quality=pipeline.own_level(level).record().get("quality"),
        chroma=pipeline.codec.chroma,
        pre=pipeline.filter_spec,
        width=encoded.width,
        height=encoded.height,
        coded_width=encoded.coded_width,
        coded_height=encoded.coded_height,
        size_bytes=len(encoded.data),
        bpp=encoded.bpp,
        sha256=encoded.sha256,
        encode_s=encoded.encode_s,
        search=encoded.account or None,
        target=target,
    )


def filter_pictures(jobs: Sequence[Job], work: Work) -> Iterator[Outcome[Job, FilterRecord]]:
    """Write every job's picture as the encoder would see it; outcomes in the jobs' order."""
    return _filtered(_write, jobs, work)


def decode(
    jobs: Sequence[Job],
    *,
    processes: int,
    expected_sha256: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Outcome[Job, DecodeRecord]]:
    """Decode every job's source to its target; outcomes come in the jobs' order.

    Args:
        jobs: in the order of the outcomes.
        processes: worker processes; 0 works in this process.
        expected_sha256: of every source, in hexadecimal, or None.
        settings: of the codecs that have such, as `codecs.recognise` takes them.
    """
    tasks = (_Decoding(job, expected_sha256, settings or {}) for job in jobs)
    with Local(processes) as engine:
        for outcome in engine.map(_decode, tasks):
            yield Outcome(outcome.item.job, outcome.result, outcome.error)


def _filtered(
    function: Callable[[_Task, Filtered], Record], jobs: Sequence[Job], work: Work
) -> Iterator[Outcome[Job, Record]]:
    """Filter every picture and apply `function`.

    Where the filter is better on many pictures at once this process filters them, and the workers
    do the rest; else every worker does both.
    """
    tasks = (_Task(job, work) for job in jobs)
    pipeline = prepared(work.setting)
    with Local(work.processes) as engine:
        if any_present(jobs) and pipeline.batches(work.level):
            together = grouping.each(tasks, _read, pipeline, work.level)
            for one in engine.map(partial(_onward, function), together, weight=_pixels):
                yield Outcome(one.item.item.job, one.result, one.error)
        else:
            for outcome in engine.map(partial(_alone, function), tasks):
                yield Outcome(outcome.item.job, outcome.result, outcome.error)


def _alone(function: Callable[[_Task, Filtered], Record], task: _Task) -> Record:
    image = _read(task)
    with files.naming(display(task.job.source)):
        filtered = prepared(task.work.setting).filtered(image, task.work.level)
    return function(task, filtered)


def _onward(
    function: Callable[[_Task, Filtered], Record], outcome: Outcome[_Task, Filtered]
) -> Record:
    if outcome.result is None:
        assert outcome.error is not None
        raise outcome.error
    return function(outcome.item, outcome.result)


def _pixels(outcome: Outcome[_Task, Filtered]) -> int:
    return 0 if outcome.result is None else outcome.result.image.pixels[..., 0].size


def _read(task: _Task) -> Image:
    return read(task.job.source, task.work.max_pixels)


def _encode(task: _Task, filtered: Filtered) -> EncodeRecord:
    job, work = task.job, task.work
    pipeline = prepared(work.setting)
    with files.naming(display(job.source)):
        encoded = pipeline.encode_filtered(filtered, work.level)
    files.write(job.target, encoded.data)
    return encode_record(job, pipeline, encoded, work.level)


def _write(task: _Task, filtered: Filtered) -> FilterRecord:
    job, image = task.job, filtered.image
    with files.naming(display(job.source)):
        picture = _picture_file(job.target, image)
    files.write(job.target, picture)
    spec, account = prepared(task.work.setting).filter_spec, filtered.account or None
    return FilterRecord(job.source, job.target, spec, image.width, image.height, account)


def _decode(task: _Decoding) -> DecodeRecord:
    """Decode one file to a PNG, or to a PPM where the target's name says so."""
    job = task.job
    data = files.read(job.source)
    with files.naming(display(job.source)):
        _check_sha256(data, task.expected_sha256)
    codec = codecs.recognise(data, display(job.source), **task.settings)
    with files.naming(display(job.source)):
        image = codec.decode(data)
        picture = _picture_file(job.target, image)
    files.write(job.target, picture)
    return DecodeRecord(
        input=job.source,
        output=job.target,
        codec=codec.name,
        width=image.width,
        height=image.height,
        size_bytes=len(data),
        bpp=bpp(len(data), image.width, image.height),
        output_bytes=len(picture),
    )


def _picture_file(target: str, image: Image) -> bytes:
    return images.ppm(image) if Path(target).suffix.lower() in PPM_ENDINGS else images.png(image)


def _check_sha256(data: bytes, expected: str | None) -> None:
    actual = hashlib.sha256(data).hexdigest()
    if expected is not None and actual != expected.lower():
        raise BadInputError(f"its sha256 is {actual}, not the expected {expected}")
