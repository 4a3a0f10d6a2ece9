"""bpgdec, libbpg's decoder."""

from pathlib import Path

from neurocodec import images
from neurocodec.errors import BadInputError, ToolError, ToolTimeoutError
from neurocodec.images import Image
from neurocodec.tools import Tool, find, run, scratch, time_limit_s

BPGDEC = Tool(
    "bpgdec",
    probe=("-h",),
    version_pattern=r"BPG Image Decoder version (\S+)",
    install="build libbpg 0.9.8 and put its programs on PATH",
)


def decode(data: bytes, pixels: int) -> Image:
    """Decode a .bpg, without its metadata; a gray picture comes back as RGB.

    Args:
        data: the file.
        pixels: how many its header says.

    Raises:
        MissingError: no bpgdec.
        BadInputError: it refuses the file.
        ToolTimeoutError: it did not end in time.
    """
    program = find(BPGDEC)
    with scratch() as folder:
        source, target = folder / "in.bpg", folder / "out.png"
        source.write_bytes(data)
        arguments: list[str | Path] = ["-b", "8", "-o", target, source]
        try:
            png = run(
                program, arguments, timeout_s=time_limit_s(pixels), pixels=pixels, produces=target
            )
        except ToolTimeoutError:
            raise
        except ToolError as exc:
            raise BadInputError(f"bpgdec refuses the .bpg: {exc}") from exc
    return images.read(png, "bpgdec's output")
