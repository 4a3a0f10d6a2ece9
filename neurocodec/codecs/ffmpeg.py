"""The bundled ffmpeg, and its library in-process: planes in, a bare stream out, and back."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from neurocodec import tools
from neurocodec.errors import BadInputError, ToolError

# What follows a whole slice changes nothing. Where arithmetic decoding runs past a slice's end,
# ffmpeg goes on with zeros; if it decodes the same with ones, no continuation makes a difference.
_TAIL = b"\xff" * 4096
_START_CODE = b"\0\0\1"
_ZERO_WORD = b"\0\0\3"  # cabac_zero_words, with which an encoder may fill up a picture

# The last bytes of a slice hold its end flag, 8 bits, up to 8 bits of alignment and 4 bytes of the
# last block, which other values must change: were it only every second time, 1 in 2^16 fails.
_END_BYTES = 6
_OTHER_ENDS = [
    bytes((37 * i + 91 * k) % 251 + 4 for k in range(_END_BYTES))  # of no start code's bytes
    for i in range(1, 17)
]

Planes = Sequence[npt.NDArray[np.integer[Any]]]


def _bundled() -> tools.Bundled | None:
    """The binary inside the package imageio-ffmpeg, found without importing or starting it."""
    spec = find_spec("imageio_ffmpeg")
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or ():
        for path in sorted((Path(folder) / "binaries").glob("ffmpeg-*")):
            return tools.Bundled(path, path.name.rpartition("-v")[2])
    return None


FFMPEG = tools.Tool(
    "ffmpeg",
    probe=("-version",),
    version_pattern=r"ffmpeg version n?(\S+)",
    install="pip install imageio-ffmpeg",
    bundled=_bundled,
    prefer_bundled=True,
)


@dataclass(frozen=True, eq=False)
class Frame:
    """One decoded picture as it was coded, without any colour conversion.

    Attributes:
        pixel_format: ffmpeg's name: "yuv420p", "yuv444p10le", "gray", "gbrp" …
        planes: (H, W) each, in the stream's order, cut by its conformance window; uint8 at
            8 bits, else uint16.
    """

    pixel_format: str
    planes: list[npt.NDArray[Any]]


def raw(planes: Planes) -> bytes:
    """The planes as ffmpeg's rawvideo: one after another, row by row, 16-bit little-endian."""
    return b"".join(_little_endian(plane).tobytes() for plane in planes)


def _little_endian(plane: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.integer[Any]]:
    return plane.astype("<u2", copy=False) if plane.dtype.itemsize == 2 else plane


def encode(planes: Planes, pixel_format: str, arguments: Sequence[str], container: str) -> bytes:
    """The stream that the ffmpeg program makes of one picture.

    Args:
        planes: (H, W) each, uint8 or uint16; the first has the picture's size.
        pixel_format: ffmpeg's name of their layout: "yuv420p", "gray10le" …
        arguments: encoder and its options: "-c:v", "libx265" …
        container: ffmpeg's name of the bare stream format: "hevc" or "vvc".

    Raises:
        MissingError: no ffmpeg.
        ToolError: it failed.
    """
    height, width = planes[0].shape
    layout = ["-pix_fmt", pixel_format, "-video_size", f"{width}x{height}"]
    source = ["-f", "rawvideo", *layout, "-i", "pipe:0"]
    target = ["-frames:v", "1", "-f", container, "pipe:1"]
    return tools.run(
        tools.find(FFMPEG),
        ["-hide_banner", "-loglevel", "error", *source, *arguments, *target],
        timeout_s=tools.time_limit_s(width * height),
        stdin=raw(planes),
    )


def encode_in_process(
    planes: Planes, pixel_format: str, codec: str, options: Mapping[str, str]
) -> bytes:
    """The stream that the library makes of one picture: what `encode` gives, and no program.

    Args:
        planes: as for `encode`.
        pixel_format: likewise.
        codec: ffmpeg's name of the encoder: "libx265".
        options: of the encoder, by name without the dash.

    Raises:
        ToolError: it failed.
    """
    av = library()
    height, width = planes[0].shape
    with av.logging.Capture() as complaints:
        try:
            context = av.CodecContext.create(codec, "w")
            context.width, context.height, context.pix_fmt = width, height, pixel_format
            context.time_base, context.options = Fraction(1, 25), dict(options)
            packets = [*context.encode(_frame(av, planes, pixel_format)), *context.encode(None)]
        except (av.FFmpegError, ValueError, MemoryError) as exc:
            why = _first(complaints) or str(exc)
            raise ToolError(f"{codec} in-process failed: {why}") from exc
    return b"".join(map(bytes, packets))


def decode(
    codec: str, stream: bytes, *, may_be_cut: bool = False, may_be_longer: bool = False
) -> Frame:
    """The one picture of a bare stream, decoded in-process.

    Args:
        codec: ffmpeg's name of the decoder: "hevc" or "vvc".
        stream: NAL units in Annex-B form.
        may_be_cut: see by a second decoding whether the decoder ran past the last slice's end:
            of HEVC it says nothing by itself.
        may_be_longer: see by another whether the decoder came to the last slice's end: where the
            parameters say too small a picture, it leaves the rest unread and says nothing.

    Raises:
        BadInputError: the decoder complains, or gives no picture or more than one.
    """
    frame = _decode(codec, stream)
    if may_be_cut and not _alike(frame, _decode(codec, _overrun(codec, stream))):
        raise BadInputError(_damaged(codec, "its end is missing"))
    if may_be_longer and not _comes_to_its_end(codec, stream, frame):
        raise BadInputError(_damaged(codec, "its parameters say a smaller picture than it holds"))
    return frame


def _overrun(codec: str, stream: bytes) -> bytes:
    return _to_last_slice(codec, stream) + _TAIL


def _to_last_slice(codec: str, stream: bytes) -> bytes:
    units = stream.split(_START_CODE)
    slices = [i for i, unit in enumerate(units) if len(unit) > 1 and _is_slice(codec, unit)]
    return _START_CODE.join(units[: slices[-1] + 1])


def _comes_to_its_end(codec: str, stream: bytes, frame: Frame) -> bool:
    """Whether the decoder gives anything else than `frame` if the slice ends in other bytes."""
    stream = _to_last_slice(codec, stream)
    while stream.endswith(_ZERO_WORD):
        stream = stream.removesuffix(_ZERO_WORD)
    return any(_differs(codec, stream[:-_END_BYTES] + end, frame) for end in _OTHER_ENDS)


def _differs(codec: str, stream: bytes, frame: Frame) -> bool:
    try:
        return not _alike(frame, _decode(codec, stream))
    except BadInputError:
        return True


def _is_slice(codec: str, unit: bytes) -> bool:
    """By nal_unit_type: below 32 in H.265, where it follows one bit; below 12 in H.266."""
    return unit[0] >> 1 & 0x3F < 32 if codec == "hevc" else unit[1] >> 3 < 12


def _alike(one: Frame, other: Frame) -> bool:
    return all(map(np.array_equal, one.planes, other.planes))


def _decode(codec: str, stream: bytes) -> Frame:
    av = library()
    with av.logging.Capture() as complaints:
        try:
            frames = _frames(av, codec, stream)
        except (av.FFmpegError, ValueError, MemoryError) as exc:
            raise BadInputError(_damaged(codec, _first(complaints) or str(exc))) from exc
    if complaints or any(frame.is_corrupt for frame in frames):
        raise BadInputError(_damaged(codec, _first(complaints) or "corrupt picture"))
    if len(frames) != 1:
        raise BadInputError(_damaged(codec, f"it holds {len(frames)} pictures, not one"))
    layout = frames[0].format
    deep = layout.components[0].bits > 8
    return Frame(layout.name, [_values(plane, deep) for plane in frames[0].planes])


@lru_cache(maxsize=1)
def library() -> ModuleType:
    """PyAV, imported on first use, its log open to `Capture` and off standard error."""
    import av  # 0.15 s that encoding through the program does not need

    logging.getLogger("libav").addHandler(logging.NullHandler())
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)  # else the second file damaged alike passes in silence
    return av


def _frames(av: ModuleType, codec: str, stream: bytes) -> list[Any]:
    context = av.CodecContext.create(codec, "r")
    context.thread_count = 1
    context.options = {"err_detect": "crccheck+explode"}
    return [*context.decode(av.Packet(stream)), *context.decode(None)]


def _first(complaints: Sequence[tuple[int, str, str]]) -> str:
    return complaints[0][2].strip() if complaints else ""


def _frame(av: ModuleType, planes: Planes, pixel_format: str) -> Any:
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pixel_format)
    for target, plane in zip(frame.planes, planes, strict=True):
        values = _little_endian(plane)
        rows = np.frombuffer(target, values.dtype)
        row = target.line_size // values.dtype.itemsize
        rows.reshape(-1, row)[: plane.shape[0], : plane.shape[1]] = values
    frame.pts = 0
    return frame


def _damaged(codec: str, why: str) -> str:
    return f"the {codec} stream is damaged ({why}): get the file again"


def _values(plane: Any, deep: bool) -> npt.NDArray[Any]:
    dtype = np.dtype("<u2" if deep else "u1")
    rows = np.frombuffer(plane, dtype).reshape(-1, plane.line_size // dtype.itemsize)
    return rows[: plane.height, : plane.width].copy()
