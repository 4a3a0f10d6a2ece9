"""vvdecapp, Fraunhofer's decoder of H.266, and VTM's, the reference software, in its place."""

from pathlib import Path

from neurocodec.codecs.planes.layout import Layout, Plane, from_raw
from neurocodec.errors import BadInputError, ToolError, ToolTimeoutError
from neurocodec.tools import Program, Tool, run, scratch, time_limit_s

VVDECAPP = Tool(
    name="vvdecapp",
    probe=("--version",),
    version_pattern=r"vvdecapp version (\S+)",
    install="build it from Fraunhofer's vvdec (without it ffmpeg's decoder serves)",
)
VTM = Tool(
    name="DecoderAppStatic",
    probe=("--help",),
    version_pattern=r"VTM Decoder Version (\S+)",
    install="build it from VTM, the reference software (without it ffmpeg's decoder serves)",
)


def decode(program: Program, data: bytes, layout: Layout, size: tuple[int, int]) -> list[Plane]:
    """Decode one picture to its planes.

    Args:
        program: vvdecapp or VTM's.
        data: the stream.
        layout: of the planes, by the stream's headers.
        size: width and height that its headers show.

    Raises:
        BadInputError: the decoder complains, or gives other planes than the headers say.
        ToolTimeoutError: it did not end in time.
    """
    with scratch() as folder:
        source, target = folder / "in.266", folder / "out.yuv"
        source.write_bytes(data)
        arguments: list[str | Path] = ["-b", source, "-o", target]
        if program.name == VTM.name:
            arguments += ["-d", "0"]  # else not at the stream's own depth
        try:
            samples = run(
                program,
                arguments,
                timeout_s=time_limit_s(size[0] * size[1]),
                pixels=size[0] * size[1],
                produces=target,
            )
        except ToolTimeoutError:
            raise
        except ToolError as exc:
            raise BadInputError(f"the .266 cannot be decoded: {exc}") from exc
    try:
        return from_raw(samples, layout, *size)
    except ValueError as exc:
        raise BadInputError(f"the .266 is damaged: {program.name} gave {exc}") from exc
