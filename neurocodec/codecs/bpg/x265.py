"""x265, by the ffmpeg program or by the same library in-process: planes to a bare HEVC stream."""

from collections.abc import Mapping, Sequence

import numpy as np

from neurocodec.codecs import ffmpeg
from neurocodec.codecs.planes.layout import Layout, Plane

# By effort, bpgenc's -m; tune=psnr spares x265's psychovisual terms, which cost 2.6 % of the bits
# at equal PSNR.
_PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)
_SMALLEST_SIDE = 16  # of what x265 takes
_BLOCK = 8
_PARAMETERS = (
    *("keyint=1", "info=0", "log-level=none"),
    *("pools=1", "frame-threads=1", "wpp=0"),  # one thread, and no bits spent on more
)


def encode(
    planes: Sequence[Plane],
    layout: Layout,
    qp: int,
    *,
    effort: int,
    lossless: bool,
    in_process: bool,
) -> bytes:
    """The bare stream of one picture, the same bytes from the program and in-process.

    Args:
        planes: of the picture's true size; they are padded to whole coding blocks.
        layout: what they are.
        qp: x265's; its intra pictures have a slice QP 3 lower.
        effort: bpgenc's -m, 1 to 9.
        lossless: keep every sample; the QP does not count then.
        in_process: start no program.

    Raises:
        MissingError: no ffmpeg.
        ToolError: the encoder failed.
    """
    tiny = _is_tiny(planes)
    chosen = options(qp, effort=effort, lossless=lossless, tiny=tiny)
    if in_process:
        return ffmpeg.encode_in_process(
            padded(planes, layout), pixel_format(layout), "libx265", chosen
        )
    return ffmpeg.encode(padded(planes, layout), pixel_format(layout), arguments(chosen), "hevc")


def options(
    qp: int, *, effort: int = 8, lossless: bool = False, tiny: bool = False
) -> dict[str, str]:
    """libx265's options in ffmpeg; `tiny` for pictures of which a side is 8 or less."""
    parameters = [f"qp={qp}", *_PARAMETERS]
    if tiny:
        parameters += ["min-cu-size=16", "ctu=16"]
    if lossless:
        parameters.append("lossless=1")
    return {"preset": _PRESETS[effort], "tune": "psnr", "x265-params": ":".join(parameters)}


def arguments(options: Mapping[str, str]) -> list[str]:
    """The encoder and those options on ffmpeg's command line."""
    return [
        "-c:v",
        "libx265",
        *(part for key, value in options.items() for part in (f"-{key}", value)),
    ]


def pixel_format(layout: Layout) -> str:
    """ffmpeg's name of such planes; HEVC does not care which three colours they are."""
    name = "gray" if layout.chroma == "gray" else f"yuv{layout.chroma}p"
    return name if layout.bit_depth == 8 else f"{name}{layout.bit_depth}le"


def padded(planes: Sequence[Plane], layout: Layout) -> list[Plane]:
    """The planes with their last row and column repeated to whole coding blocks."""
    block = _SMALLEST_SIDE if _is_tiny(planes) else _BLOCK
    height, width = (-(-side // block) * block for side in planes[0].shape)
    grown = []
    for index, plane in enumerate(planes):
        rows, columns = layout.plane_shape(index, height, width)
        beyond = (0, rows - plane.shape[0]), (0, columns - plane.shape[1])
        grown.append(np.pad(plane, beyond, mode="edge"))
    return grown


def _is_tiny(planes: Sequence[Plane]) -> bool:
    return min(planes[0].shape) <= _SMALLEST_SIDE - _BLOCK
