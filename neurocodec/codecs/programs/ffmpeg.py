"""The ffmpeg program, for its libvvenc: the bundled one."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from neurocodec.codecs.planes.layout import Plane, raw
from neurocodec.errors import ToolError, ToolTimeoutError
from neurocodec.tools import Program, Tool, find, run, time_limit_s


def _bundled() -> Program | None:
    """The binary inside the package imageio-ffmpeg, without importing or starting it."""
    spec = find_spec("imageio_ffmpeg")
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or ():
        for path in sorted((Path(folder) / "binaries").glob("ffmpeg-*")):
            return Program("ffmpeg", path, path.name.rpartition("-v")[2], "bundled")
    return None


FFMPEG = Tool(
    "ffmpeg",
    probe=("-version",),
    version_pattern=r"ffmpeg version n?(\S+)",
    install="pip install imageio-ffmpeg",
    bundled=_bundled,
)

# ffmpeg has room for a byte a luma sample in what it takes from libvvenc. That is too little for a
# tiny or a noisy picture at a low QP: such a one is coded 2, 4, 8 times as high, cropped as ever.
_LARGEST_GROWTH = 8


def encode_vvc(planes: Sequence[Plane], qp: int, preset: str, growth: int = 1) -> bytes:
    """Encode one picture by libvvenc: constant QP, no perceptual adaptation, one thread.

    Args:
        planes: 10-bit 4:2:0, both sides multiples of 8 and at least 16.
        qp: vvencapp's: the slice's is 3 less.
        preset: "faster" to "slower".
        growth: how many times as high the picture is coded, at first.

    Raises:
        MissingError: no ffmpeg.
        ToolError: it failed.
    """
    taller = [
        np.pad(plane, ((0, (growth - 1) * plane.shape[0]), (0, 0)), mode="edge") for plane in planes
    ]
    height, width = taller[0].shape
    layout = ["-pix_fmt", "yuv420p10le", "-video_size", f"{width}x{height}"]
    source = ["-f", "rawvideo", *layout, "-i", "pipe:0"]
    options = ["-c:v", "libvvenc", "-preset", preset, "-qp", str(qp), "-qpa", "0", "-threads", "1"]
    try:
        return run(
            find(FFMPEG),
            ["-hide_banner", "-loglevel", "error", *source, *options, "-f", "vvc", "pipe:1"],
            timeout_s=time_limit_s(width * height),
            pixels=width * height,
            stdin=raw(taller),
        )
    except ToolTimeoutError:
        raise
    except ToolError:
        if growth == _LARGEST_GROWTH:
            raise
    return encode_vvc(planes, qp, preset, 2 * growth)
