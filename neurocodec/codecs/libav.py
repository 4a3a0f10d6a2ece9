"""ffmpeg's libraries in this process, through PyAV: planes to an elementary stream, and back."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from neurocodec.codecs.planes.layout import Plane, little_endian
from neurocodec.errors import BadInputError, ToolError

# What follows a whole slice changes nothing. Where arithmetic decoding runs past a slice's end,
# ffmpeg goes on with zeros; if it decodes the same with ones, no continuation makes a difference.
_TAIL = b"\xff" * 4096


@dataclass(frozen=True, eq=False)
class Frame:
    """One decoded picture as it was coded, without any colour conversion.

    Attributes:
        pixel_format: ffmpeg's name: "yuv420p", "yuv444p10le", "gray", "gbrp" …
        planes: (H, W) each, in the stream's order, cut by its conformance window; uint8 at
            8 bits, else uint16.
    """

    pixel_format: str
    planes: list[Plane]


@lru_cache(maxsize=1)
def library() -> ModuleType:
    """PyAV, imported on first use, its log open to `Capture` and off standard error."""
    import av  # 0.15 s

    logging.getLogger("libav").addHandler(logging.NullHandler())
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)  # else the second file damaged alike passes in silence
    return av


def encode(
    planes: Sequence[Plane], pixel_format: str, codec: str, options: Mapping[str, str]
) -> bytes:
    """Encode one picture.

    Args:
        planes: (H, W) each, uint8 or uint16; the first has the picture's size.
        pixel_format: ffmpeg's name of their layout: "yuv420p", "gray10le" …
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
            raise ToolError(f"{codec} failed: {_first(complaints) or exc}") from exc
    return b"".join(map(bytes, packets))


def decode(codec: str, stream: bytes, *, may_be_cut: bool = False) -> Frame:
    """Decode the one picture of an elementary stream.

    Args:
        codec: ffmpeg's name of the decoder: "hevc" or "vvc".
        stream: NAL units in Annex-B form.
        may_be_cut: see by a second decoding whether the decoder ran past the end of the slice
            with which the stream ends: it says nothing by itself.

    Raises:
        BadInputError: the decoder complains, or gives no picture or more than one.
    """
    frame = _decode(codec, stream)
    if may_be_cut:
        continued = _decode(codec, stream + _TAIL).planes
        if not all(map(np.array_equal, frame.planes, continued)):
            raise _damaged(codec, "its end is missing")
    return frame


def decode_frame(codec: str, stream: bytes) -> Any:
    """Decode the one picture of a stream to PyAV's frame.

    Raises:
        BadInputError: the decoder complains, or gives no picture or more than one.
    """
    av = library()
    frames: list[Any] = []
    with av.logging.Capture() as complaints:
        try:
            context = av.CodecContext.create(codec, "r")
            context.thread_count = 1
            context.options = {"err_detect": "crccheck+explode"}
            frames = [*context.decode(av.Packet(stream)), *context.decode(None)]
            why = "" if len(frames) == 1 else f"it holds {len(frames)} pictures, not one"
        except (av.FFmpegError, ValueError, MemoryError) as exc:
            why = str(exc)
    if any(frame.is_corrupt for frame in frames):
        why = "corrupt picture"
    if why or complaints:
        raise _damaged(codec, _first(complaints) or why)
    return frames[0]


def _decode(codec: str, stream: bytes) -> Frame:
    frame = decode_frame(codec, stream)
    deep = frame.format.components[0].bits > 8
    return Frame(frame.format.name, [_values(plane, deep) for plane in frame.planes])


def _first(complaints: Sequence[tuple[int, str, str]]) -> str:
    return complaints[0][2].strip() if complaints else ""


def _frame(av: ModuleType, planes: Sequence[Plane], pixel_format: str) -> Any:
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pixel_format)
    for target, plane in zip(frame.planes, planes, strict=True):
        values = little_endian(plane)
        rows = np.frombuffer(target, values.dtype)
        row = target.line_size // values.dtype.itemsize
        rows.reshape(-1, row)[: plane.shape[0], : plane.shape[1]] = values
    frame.pts = 0
    return frame


def _damaged(codec: str, why: str) -> BadInputError:
    return BadInputError(f"the {codec} stream is damaged ({why})")


def _values(plane: Any, deep: bool) -> npt.NDArray[Any]:
    dtype = np.dtype("<u2" if deep else "u1")
    rows = np.frombuffer(plane, dtype).reshape(-1, plane.line_size // dtype.itemsize)
    return rows[: plane.height, : plane.width].copy()
