"""A picture file read and a result written, with what a batch asks for on the way."""

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from neurocodec import files, images, urls
from neurocodec.batch.coding import resized
from neurocodec.batch.plan import Job
from neurocodec.codecs import Codec
from neurocodec.errors import BadInputError, ToolError
from neurocodec.files import MAX_BYTES, STANDARD, display
from neurocodec.images import MAX_PIXELS, Image

_BLOCK = 64
_SLACK_VARIANCE = 1.2
_SLACK_LEVELS = 100.0  # squared
_LARGEST_OFFSET = 64.0  # of flat colours by JPEG at quality 1


@dataclass(frozen=True)
class Handling:
    """What is asked of every file beside its coding.

    Attributes:
        max_pixels: larger pictures are refused unread.
        max_bytes: larger files are refused, read no further than that.
        verify: read back and decode what was written.
        keep_smaller: where the input has the codec's own format and is no larger, its bytes are
            the output.
        preserve_times: outputs get the inputs' times of modification.
    """

    max_pixels: int = MAX_PIXELS
    max_bytes: int = MAX_BYTES
    verify: bool = False
    keep_smaller: bool = False
    preserve_times: bool = False


@dataclass(frozen=True, eq=False)
class Facts:
    """An input file as it was read.

    Attributes:
        size_bytes: of the file.
        sha256: of the file, in hexadecimal.
        read_ms: milliseconds that reading and colour conversion took.
        content: the file, where it may be kept; else nothing.
    """

    size_bytes: int
    sha256: str
    read_ms: float
    content: bytes = b""


@dataclass(frozen=True, eq=False)
class Opened:
    """A picture and the file that it came from."""

    image: Image
    facts: Facts


@dataclass(frozen=True, eq=False)
class Coded:
    """What an encoded file is of: the codec, its picture, and the width and height coded."""

    codec: Codec
    image: Image
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Written:
    """What was written, and the milliseconds that writing and verifying took."""

    data: bytes
    ms: Mapping[str, float]
    kept: bool = False


def read(job: Job, handling: Handling, codec: Codec | None = None) -> Opened:
    """Read a job's picture.

    Args:
        job: its source.
        handling: the limits.
        codec: that will encode it at its own size, and whose format may be kept.

    Raises:
        BadInputError: it cannot be read, is no picture, or is too large.
        UsageError: it is too large for the codec.
    """
    start = time.perf_counter()
    data = files.read(job.source, handling.max_bytes)
    if codec is not None and (size := images.size(data)):
        with files.naming(display(job.source)):
            codec.check_size(*size)  # before the seconds that reading takes
    image = images.read(data, display(job.source), handling.max_pixels)
    own = codec is not None and handling.keep_smaller and codec.recognises(data)
    facts = facts_of(data, start)
    return Opened(image, replace(facts, content=data) if own else facts)


def facts_of(data: bytes, start: float) -> Facts:
    """The facts of a file whose reading began at that time of `time.perf_counter`."""
    return Facts(len(data), hashlib.sha256(data).hexdigest(), since_ms(start))


def write(
    job: Job,
    data: bytes,
    facts: Facts,
    handling: Handling,
    coded: "Coded | None" = None,
) -> Written:
    """Write a result to a job's target.

    Args:
        job: source and target.
        data: the result.
        facts: of the source.
        handling: what is asked.
        coded: what the result is of, where `verify` can decode it.

    Raises:
        OutputError: it cannot be written.
        ToolError: the result does not decode to the picture, and nothing was written; or the file
            is not what was written.
    """
    kept = bool(facts.content) and facts.size_bytes <= len(data)
    data = facts.content if kept else data
    ms: dict[str, float] = {}
    if handling.verify and coded is not None and not kept:
        start = time.perf_counter()
        verify(data, display(job.target), coded)
        ms["verify"] = since_ms(start)
    start = time.perf_counter()
    files.write(job.target, data)
    if handling.preserve_times and not _is_abroad(job.source) and not _is_abroad(job.target):
        copy_times(job)
    if handling.verify:
        _read_back(job.target, data)
    ms["write"] = since_ms(start)
    return Written(data, ms, kept)


def _is_abroad(name: str) -> bool:
    """True for a standard stream or a URL, which have no times of files."""
    return name == STANDARD or urls.is_url(name)


def copy_times(job: Job) -> None:
    """Give a job's target the times of its source."""
    times = os.stat(job.source)  # noqa: PTH116 - names may be bytes that no Path prints
    os.utime(job.target, ns=(times.st_atime_ns, times.st_mtime_ns))


def verify(data: bytes, name: str, coded: Coded) -> None:
    """Decode what is to be written, and look at the picture.

    But for a common offset of each colour, which low rates have on even pictures, it has to be
    nearer to the picture than an even one is.

    Raises:
        ToolError: it is another picture, or none.
    """
    encoder, (width, height) = coded.codec.encoder, coded.size
    try:
        # A decoder may see whole blocks before it crops.
        with images.at_most((width + _BLOCK) * (height + _BLOCK)):
            decoded = coded.codec.decode(data)
    except BadInputError as exc:
        raise ToolError(f"{name}: does not decode ({exc}): {encoder} failed") from exc
    if (decoded.width, decoded.height) != coded.size:
        shown = f"{decoded.width}×{decoded.height}"
        raise ToolError(f"{name}: decodes to {shown}, not {width}×{height}")
    if _is_another(resized(_shown(decoded), *_size(coded.image)), _shown(coded.image)):
        raise ToolError(f"{name}: decodes to another picture: {encoder} failed")


def _read_back(target: str, data: bytes) -> None:
    """Compare a file with what was written; a stream cannot be read back.

    Raises:
        ToolError: they differ.
    """
    if urls.is_url(target) or Path(target).is_file():
        try:
            stored = files.read(target)
        except BadInputError as exc:
            raise ToolError(f"{display(target)}: cannot be read back ({exc})") from exc
        if stored != data:
            raise ToolError(f"{display(target)}: is not what was written: something changed it")


def since_ms(start: float) -> float:
    """Milliseconds since a time of `time.perf_counter`, to a hundredth."""
    return round(1000 * (time.perf_counter() - start), 2)


def _size(image: Image) -> tuple[int, int]:
    return image.width, image.height


def _shown(image: Image) -> Image:
    """The picture over black: what is under alpha 0 need not survive."""
    return images.flatten(image, "black")


def _is_another(decoded: Image, image: Image) -> bool:
    """True for a picture that is no nearer to the other than an even one."""
    seen, true = decoded.pixels.astype(np.float32), image.pixels.astype(np.float32)
    offset = seen.mean((0, 1)) - true.mean((0, 1))
    error = float(np.square(seen - true - offset).mean())
    variance = float(np.square(true - true.mean((0, 1))).mean())
    return (
        error > _SLACK_VARIANCE * variance + _SLACK_LEVELS or np.abs(offset).max() > _LARGEST_OFFSET
    )
