"""The bundled ffmpeg, and the same library in-process: raw planes in, a bare stream out, and back."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from neurocodec import tools
from neurocodec.errors import BadInputError

Planes = Sequence[npt.NDArray[np.integer[Any]]]


def _bundled() -> Path | None:
    """The binary inside the package imageio-ffmpeg, found without importing or starting it."""
    spec = find_spec("imageio_ffmpeg")
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or ():
        for path in sorted((Path(folder) / "binaries").glob("ffmpeg-*")):
            return path
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
    source = ["-f", "rawvideo", "-pix_fmt", pixel_format, "-video_size", f"{width}x{height}"]
    return tools.run(
        tools.find(FFMPEG),
        ["-hide_banner", "-loglevel", "error", *source, "-i", "pipe:0"]
        + [*arguments, "-frames:v", "1", "-f", container, "pipe:1"],
        timeout_s=tools.time_limit_s(width * height),
        stdin=raw(planes),
    )


def decode(codec: str, stream: bytes) -> Frame:
    """The one picture of a bare stream, decoded in-process.

    Args:
        codec: ffmpeg's name of the decoder: "hevc" or "vvc".
        stream: NAL units in Annex-B form.

    Raises:
        BadInputError: the decoder complains, or gives no picture or more than one.
    """
    av = library()
    with av.logging.Capture() as complaints:
        try:
            frames = _frames(av, codec, stream)
        except (av.FFmpegError, ValueError, MemoryError) as exc:
            raise BadInputError(_damaged(codec, complaints, str(exc))) from exc
    if complaints or any(frame.is_corrupt for frame in frames):
        raise BadInputError(_damaged(codec, complaints, "it calls the picture corrupt"))
    if len(frames) != 1:
        raise BadInputError(_damaged(codec, [], f"it holds {len(frames)} pictures, not one"))
    return Frame(frames[0].format.name, _planes(frames[0]))


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
    context.options = {"err_detect": "explode"}
    return [*context.decode(av.Packet(stream)), *context.decode(None)]


def _damaged(codec: str, complaints: Sequence[tuple[int, str, str]], otherwise: str) -> str:
    said = complaints[0][2].strip() if complaints else otherwise
    return f"the {codec} stream is damaged ({said}): get the file again"


def _planes(frame: Any) -> list[npt.NDArray[Any]]:
    components = frame.format.components
    return [
        _plane(plane, components[index].width, components[index].height, components[0].bits)
        for index, plane in enumerate(frame.planes)
    ]


def _plane(plane: Any, width: int, height: int, bits: int) -> npt.NDArray[Any]:
    dtype = np.dtype(np.uint8) if bits == 8 else np.dtype("<u2")
    row = plane.line_size // dtype.itemsize
    values = np.frombuffer(plane, dtype).reshape(-1, row)[:height, :width]
    return np.ascontiguousarray(values)
