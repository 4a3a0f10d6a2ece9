"""vvencapp, Fraunhofer's encoder of H.266."""

from collections.abc import Sequence

from neurocodec.codecs.planes.layout import Plane, raw
from neurocodec.tools import Program, Tool, run, scratch, time_limit_s

VVENCAPP = Tool(
    name="vvencapp",
    probe=("--version",),
    version_pattern=r"vvencapp version (\S+)",
    install="build it from Fraunhofer's vvenc (without it ffmpeg's libvvenc serves)",
)


def encode(program: Program, planes: Sequence[Plane], qp: int, preset: str) -> bytes:
    """Encode one picture, to the same slices as `ffmpeg.encode_vvc`, whose arguments it takes.

    25 pictures a second are what ffmpeg says too: the intra period depends on them, and on that
    the coding of the picture.

    Raises:
        ToolError: it failed.
    """
    height, width = planes[0].shape
    with scratch() as folder:
        source, target = folder / "in.yuv", folder / "out.266"
        source.write_bytes(raw(planes))
        layout = ["-s", f"{width}x{height}", "-c", "yuv420_10", "-r", "25", "-f", "1"]
        coding = ["--preset", preset, "-q", str(qp), "--qpa", "0", "-t", "1"]
        return run(
            program,
            ["-i", source, "-o", target, *layout, *coding],
            timeout_s=time_limit_s(width * height),
            pixels=width * height,
            produces=target,
        )
