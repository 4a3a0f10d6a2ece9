"""Many pictures: read, filter, encode or decode, write; a bad file costs itself only."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from neurocodec import codecs, files, filters, images
from neurocodec.batch import grouping, handling
from neurocodec.batch.engines.engine import Workers
from neurocodec.batch.engines.local import Outcome
from neurocodec.batch.grouping import Ready
from neurocodec.batch.handling import Coded, Facts, Handling, Opened, Written
from neurocodec.batch.plan import Job, any_present
from neurocodec.batch.records import DecodeRecord, EncodeRecord, FilterRecord
from neurocodec.batch.targets import Reached
from neurocodec.codecs import Codec, Level
from neurocodec.errors import BadInputError
from neurocodec.files import display
from neurocodec.images import Image
from neurocodec.measures.rate import bpp
from neurocodec.pipeline import Encoded, Pipeline, Setting, prepared

PPM_ENDINGS = (".ppm", ".pgm", ".pnm")

Record = TypeVar("Record")


@dataclass(frozen=True)
class Work:
    """What `encode` and `filter_pictures` do to every picture.

    Attributes:
        setting: codec and filter.
        level: in any unit that the codec takes.
        workers: that do it.
        handling: of the files.
    """

    setting: Setting
    level: Level
    workers: Workers = field(default_factory=Workers)
    handling: Handling = field(default_factory=Handling)


@dataclass(frozen=True)
class _Task:
    job: Job
    work: Work


@dataclass(frozen=True)
class _Decoding:
    job: Job
    expected_sha256: str | None
    settings: Mapping[str, Any]
    handling: Handling


def encode(jobs: Sequence[Job], work: Work) -> Iterator[Outcome[Job, EncodeRecord]]:
    """Encode every job's source to its target; outcomes come in the jobs' order."""
    return _filtered(_encode, jobs, work)


@dataclass(frozen=True, eq=False)
class Result:
    """An encoded picture and its files: what a record is made of.

    Attributes:
        encoded: the file and what it cost.
        facts: of the input.
        written: what went to the output.
        level: as it was given, or as a target chose it.
        target: what came of the target.
    """

    encoded: Encoded
    facts: Facts
    written: Written
    level: Level
    target: Reached | None = None


def encode_record(job: Job, pipeline: Pipeline, result: Result) -> EncodeRecord:
    """The record of a picture that a pipeline encoded."""
    encoded, facts, written, level = result.encoded, result.facts, result.written, result.level
    filter_ms = round(1000 * encoded.filter_s, 2)
    encode_ms = round(1000 * (encoded.encode_s - encoded.filter_s), 2)
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
        size_bytes=len(written.data),
        bpp=bpp(len(written.data), encoded.width, encoded.height),
        sha256=hashlib.sha256(written.data).hexdigest() if written.kept else encoded.sha256,
        encode_s=encoded.encode_s,
        search=encoded.account or None,
        target=result.target,
        input_bytes=facts.size_bytes,
        input_sha256=facts.sha256,
        ms={"read": facts.read_ms, "filter": filter_ms, "encode": encode_ms, **written.ms},
        kept=written.kept,
    )


def filter_pictures(jobs: Sequence[Job], work: Work) -> Iterator[Outcome[Job, FilterRecord]]:
    """Write every job's picture as the encoder would see it; outcomes in the jobs' order."""
    return _filtered(_write, jobs, work)


def decode(
    jobs: Sequence[Job],
    *,
    workers: Workers,
    handling: Handling,
    expected_sha256: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Outcome[Job, DecodeRecord]]:
    """Decode every job's source to its target; outcomes come in the jobs' order.

    Args:
        jobs: in the order of the outcomes.
        workers: that do it.
        handling: of the files.
        expected_sha256: of every source, in hexadecimal, or None.
        settings: of the codecs that have such, as `codecs.recognise` takes them.
    """
    tasks = (_Decoding(job, expected_sha256, settings or {}, handling) for job in jobs)
    with workers.start() as engine:
        for outcome in engine.map(_decode, tasks):
            yield Outcome(outcome.item.job, outcome.result, outcome.error)


def _filtered(
    function: Callable[[_Task, Ready], Record], jobs: Sequence[Job], work: Work
) -> Iterator[Outcome[Job, Record]]:
    """Filter every picture and apply `function`.

    Where the filter is better on many pictures at once this process filters them, and the workers
    do the rest; else every worker does both.
    """
    tasks = (_Task(job, work) for job in jobs)
    pipeline = prepared(work.setting)
    with work.workers.start() as engine:
        here = work.workers.engine == "local"
        if here and any_present(jobs) and pipeline.batches(work.level):
            together = grouping.each(tasks, _read, pipeline, work.level)
            for one in engine.map(partial(_onward, function), together, weight=_pixels):
                yield Outcome(one.item.item.job, one.result, one.error)
        else:
            for outcome in engine.map(partial(_alone, function), tasks):
                yield Outcome(outcome.item.job, outcome.result, outcome.error)


def _alone(function: Callable[[_Task, Ready], Record], task: _Task) -> Record:
    opened = _read(task)
    with files.naming(display(task.job.source)):
        filtered = prepared(task.work.setting).filtered(opened.image, task.work.level)
    return function(task, Ready(opened.facts, filtered))


def _onward(function: Callable[[_Task, Ready], Record], outcome: Outcome[_Task, Ready]) -> Record:
    if outcome.result is None:
        assert outcome.error is not None
        raise outcome.error
    return function(outcome.item, outcome.result)


def _pixels(outcome: Outcome[_Task, Ready]) -> int:
    return 0 if outcome.result is None else outcome.result.filtered.image.pixels[..., 0].size


def _read(task: _Task) -> Opened:
    return handling.read(task.job, task.work.handling, own_codec(prepared(task.work.setting)))


def own_codec(pipeline: Pipeline) -> Codec | None:
    """The codec that codes pictures at their own size, for `handling.read`; else None."""
    return None if filters.may_resize(pipeline.filter_spec) else pipeline.codec


def _encode(task: _Task, ready: Ready) -> EncodeRecord:
    job, work = task.job, task.work
    pipeline = prepared(work.setting)
    with files.naming(display(job.source)):
        encoded = pipeline.encode_filtered(ready.filtered, work.level)
    coded = Coded(pipeline.codec, ready.filtered.image, _coded_size(encoded))
    written = handling.write(job, encoded.data, ready.facts, work.handling, coded)
    return encode_record(job, pipeline, Result(encoded, ready.facts, written, work.level))


def _coded_size(encoded: Encoded) -> tuple[int, int]:
    return encoded.coded_width, encoded.coded_height


def _write(task: _Task, ready: Ready) -> FilterRecord:
    job, filtered = task.job, ready.filtered
    with files.naming(display(job.source)):
        picture = _picture_file(job.target, filtered.image)
    written = handling.write(job, picture, ready.facts, task.work.handling)
    return FilterRecord(
        input=job.source,
        output=job.target,
        pre=prepared(task.work.setting).filter_spec,
        width=filtered.image.width,
        height=filtered.image.height,
        search=filtered.account or None,
        size_bytes=len(picture),
        sha256=hashlib.sha256(picture).hexdigest(),
        input_bytes=ready.facts.size_bytes,
        input_sha256=ready.facts.sha256,
        ms={
            "read": ready.facts.read_ms,
            "filter": round(1000 * filtered.filter_s, 2),
            **written.ms,
        },
    )


def _decode(task: _Decoding) -> DecodeRecord:
    """Decode one file to a PNG, or to a PPM where the target's name says so."""
    job, start = task.job, time.perf_counter()
    data = files.read(job.source, task.handling.max_bytes)
    facts = handling.facts_of(data, start)
    with files.naming(display(job.source)):
        _check_sha256(facts.sha256, task.expected_sha256)
    codec = codecs.recognise(data, display(job.source), **task.settings)
    start = time.perf_counter()
    with files.naming(display(job.source)):
        with images.at_most(task.handling.max_pixels):
            _check_pixels(codec.inspect(data), task.handling.max_pixels)
            image = codec.decode(data)
        picture = _picture_file(job.target, image)
    ms = {"read": facts.read_ms, "decode": handling.since_ms(start)}
    written = handling.write(job, picture, replace(facts, content=b""), task.handling)
    return DecodeRecord(
        input=job.source,
        output=job.target,
        codec=codec.name,
        width=image.width,
        height=image.height,
        size_bytes=len(data),
        bpp=bpp(len(data), image.width, image.height),
        output_bytes=len(picture),
        sha256=hashlib.sha256(picture).hexdigest(),
        input_sha256=facts.sha256,
        ms={**ms, **written.ms},
    )


def _picture_file(target: str, image: Image) -> bytes:
    return images.ppm(image) if Path(target).suffix.lower() in PPM_ENDINGS else images.png(image)


def _check_sha256(actual: str, expected: str | None) -> None:
    if expected is not None and actual != expected.lower():
        raise BadInputError(f"its sha256 is {actual}, not the expected {expected}")


def _check_pixels(header: Mapping[str, Any], most: int) -> None:
    if header["width"] * header["height"] > most:
        size = f"{header['width']}×{header['height']}"
        raise BadInputError(f"{size} pixels are more than {most}: raise --max-pixels")
