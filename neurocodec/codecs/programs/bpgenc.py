"""bpgenc, libbpg's encoder."""

from dataclasses import replace
from typing import TYPE_CHECKING

from neurocodec import images
from neurocodec.images import Image
from neurocodec.tools import Tool, find, run, scratch, time_limit_s

if TYPE_CHECKING:
    from neurocodec.codecs.bpg.settings import Settings

BPGENC = Tool(
    "bpgenc",
    probe=("-h",),
    version_pattern=r"BPG Image Encoder version (\S+)",
    install="build libbpg 0.9.8 and put its programs on PATH",
)
_SMALLEST_HEIGHT = 9  # it pads to 8 only, and its x265 takes no less than 16
# Up to these widths its x265 reads beyond its planes with AVX2, and may crash.
_CRASHING_WIDTH_8_BITS, _CRASHING_WIDTH_DEEP = 24, 56


def codes(width: int, height: int, bit_depth: int) -> bool:
    """Tell whether bpgenc codes pictures of this size without crashing."""
    crashing = _CRASHING_WIDTH_8_BITS if bit_depth == 8 else _CRASHING_WIDTH_DEEP
    return width > crashing and height >= _SMALLEST_HEIGHT


def encode(image: Image, qp: int, settings: "Settings") -> bytes:
    """Encode a picture, without its metadata.

    Raises:
        MissingError: no bpgenc.
        ToolError: it failed.
    """
    program = find(BPGENC)
    with scratch() as folder:
        source, target = folder / "in.png", folder / "out.bpg"
        source.write_bytes(images.png(replace(image, metadata={})))
        return run(
            program,
            [*_options(image, qp, settings), "-o", target, source],
            timeout_s=time_limit_s(image.width * image.height),
            pixels=image.width * image.height,
            produces=target,
        )


def _options(image: Image, qp: int, settings: "Settings") -> list[str]:
    """Every option that matters, so that none of bpgenc's defaults is relied on.

    -lossless comes first, for it sets others back.
    """
    layout = settings.layout(image)
    options = ["-lossless"] if settings.lossless else []
    options += ["-q", str(qp), "-f", settings.chroma, "-b", str(layout.bit_depth)]
    options += ["-c", layout.color_space, "-e", "x265", "-m", str(settings.effort)]
    options += ["-alphaq", str(settings.qp_of_alpha(qp))]
    return [*options, "-limitedrange"] if layout.limited_range else options
