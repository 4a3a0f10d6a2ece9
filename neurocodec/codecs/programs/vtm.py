"""VTM's decoder, the reference software of H.266."""

from neurocodec.codecs.planes.layout import Layout, Plane
from neurocodec.codecs.programs import vvdecapp
from neurocodec.tools import Program, Tool

VTM = Tool(
    name="DecoderAppStatic",
    probe=("--help",),
    version_pattern=r"VTM Decoder Version (\S+)",
    install="build it from VTM, the reference software (without it ffmpeg's decoder serves)",
)


def decode(program: Program, data: bytes, layout: Layout, size: tuple[int, int]) -> list[Plane]:
    """Decode one picture, as `vvdecapp.decode`; at the stream's own depth only when told."""
    return vvdecapp.decode(program, data, layout, size, ("-d", "0"))
