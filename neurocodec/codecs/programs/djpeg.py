"""djpeg, libjpeg-turbo's decoder, for its warnings of corrupt data, which Pillow keeps back."""

from neurocodec.errors import BadInputError, ToolError, ToolTimeoutError
from neurocodec.tools import Program, Tool, run, time_limit_s

DJPEG = Tool(
    name="djpeg",
    probe=("-version",),
    version_pattern=r"((?:libjpeg-turbo|mozjpeg) version [\w.]+)",
    install="apt-get install libjpeg-turbo-progs",
)


def refuse_corrupt(program: Program, data: bytes, pixels: int) -> None:
    """Refuse a JPEG that libjpeg warns of, which djpeg's exit code tells.

    At an eighth of the size: that reads all the bits and skips the arithmetic.

    Raises:
        BadInputError: it warns.
        ToolTimeoutError: it did not end in time.
    """
    arguments = ["-scale", "1/8", "-pnm"]
    try:
        run(program, arguments, timeout_s=time_limit_s(pixels), pixels=pixels, stdin=data)
    except ToolTimeoutError:
        raise
    except ToolError as exc:
        raise BadInputError(f"the .jpg is damaged: {exc}") from None
