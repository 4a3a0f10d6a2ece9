"""x265 in this process: planes to an elementary HEVC stream."""

from collections.abc import Sequence

from neurocodec.codecs import libav
from neurocodec.codecs.planes.layout import Layout, Plane, padded

# By effort, bpgenc's -m; tune=psnr spares x265's psychovisual terms, which cost 2.6 % of the bits
# at equal PSNR.
_PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)
_SMALLEST_SIDE = 16  # of what x265 takes
_BLOCK = 8
# x265 takes coding tree blocks of 16×16 for pictures up to this side, which the four levels of
# transform blocks that its slowest preset has do not fit.
_LARGEST_SIDE_OF_SMALL_BLOCKS = 24
_DEEPEST_EFFORT = 9
FEW_LINES = 31
LONGEST_OF_FEW_LINES = 4200
"""A longer picture of so few lines has more blocks than a level of H.265 allows."""
_PARAMETERS = (
    *("keyint=1", "info=0", "log-level=none"),
    *("pools=1", "frame-threads=1", "wpp=0"),  # one thread, and no bits spent on more
)


def encode(
    planes: Sequence[Plane], layout: Layout, qp: int, *, effort: int = 8, lossless: bool = False
) -> bytes:
    """Encode one picture's planes to an elementary HEVC stream.

    Args:
        planes: of the picture's true size; they are padded to whole coding blocks.
        layout: what they are.
        qp: x265's; its intra pictures have a slice QP 3 lower.
        effort: bpgenc's -m, 1 to 9.
        lossless: keep every sample; the QP does not count then.

    Raises:
        ToolError: the encoder failed.
    """
    chosen = options(qp, effort, min(planes[0].shape))
    if lossless:
        chosen["x265-params"] += ":lossless=1"
    return libav.encode(whole_blocks(planes, layout), pixel_format(layout), "libx265", chosen)


def options(qp: int, effort: int, side: int) -> dict[str, str]:
    """libx265's options in ffmpeg; `side` is the picture's shorter one."""
    parameters = [f"qp={qp}", *_PARAMETERS]
    if side <= _SMALLEST_SIDE - _BLOCK:
        parameters += ["min-cu-size=16", "ctu=16"]
    if side <= _LARGEST_SIDE_OF_SMALL_BLOCKS and effort == _DEEPEST_EFFORT:
        parameters += ["tu-intra-depth=3", "tu-inter-depth=3"]
    return {"preset": _PRESETS[effort], "tune": "psnr", "x265-params": ":".join(parameters)}


def pixel_format(layout: Layout) -> str:
    """ffmpeg's name of such planes; HEVC does not care which three colours they are."""
    name = "gray" if layout.chroma == "gray" else f"yuv{layout.chroma}p"
    return name if layout.bit_depth == 8 else f"{name}{layout.bit_depth}le"


def whole_blocks(planes: Sequence[Plane], layout: Layout) -> list[Plane]:
    """The planes with their last row and column repeated to whole coding blocks."""
    tiny = min(planes[0].shape) <= _SMALLEST_SIDE - _BLOCK
    block = _SMALLEST_SIDE if tiny else _BLOCK
    height, width = (-(-side // block) * block for side in planes[0].shape)
    return padded(planes, layout, height, width)
