"""vvdecapp, Fraunhofer's decoder of H.266."""

from collections.abc import Sequence
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


def decode(
    program: Program,
    data: bytes,
    layout: Layout,
    size: tuple[int, int],
    more: Sequence[str] = (),
) -> list[Plane]:
    """Decode one picture to its planes.

    Args:
        program: vvdecapp, or another with the same options.
        data: the stream.
        layout: of the planes, by the stream's headers.
        size: width and height that its headers show.
        more: further options.

    Raises:
        BadInputError: the decoder complains, or gives other planes than the headers say.
        ToolTimeoutError: it did not end in time.
    """
    with scratch() as folder:
        source, target = folder / "in.266", folder / "out.yuv"
        source.write_bytes(data)
        arguments: list[str | Path] = ["-b", source, "-o", target, *more]
        try:
            samples = run(
                program, arguments, timeout_s=time_limit_s(size[0] * size[1]), produces=target
            )
        except ToolTimeoutError:
            raise
        except ToolError as exc:
            raise BadInputError(f"the .266 cannot be decoded: {exc}") from exc
    try:
        return from_raw(samples, layout, *size)
    except ValueError as exc:
        raise BadInputError(f"the .266 is damaged: {program.name} gave {exc}") from exc
