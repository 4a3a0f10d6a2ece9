"""The real bpgenc and bpgdec of libbpg, where they are found."""

from dataclasses import replace

from neurocodec import images, tools
from neurocodec.codecs.bpg.container import demux
from neurocodec.codecs.bpg.settings import Settings
from neurocodec.errors import BadInputError, ToolError, ToolTimeoutError
from neurocodec.images import Image

_INSTALL = "build libbpg 0.9.8 and put its programs on PATH"
BPGENC = tools.Tool(
    "bpgenc",
    probe=("-h",),
    version_pattern=r"BPG Image Encoder version (\S+)",
    install=_INSTALL,
)
BPGDEC = tools.Tool(
    "bpgdec",
    probe=("-h",),
    version_pattern=r"BPG Image Decoder version (\S+)",
    install=_INSTALL,
)


def encode(image: Image, qp: int, settings: Settings) -> bytes:
    """The file that bpgenc writes, without metadata.

    Raises:
        MissingError: no bpgenc.
        ToolError: it failed, or wrote no .bpg of this picture.
    """
    program = tools.find(BPGENC)
    with tools.scratch() as folder:
        source, target = folder / "in.png", folder / "out.bpg"
        source.write_bytes(images.png(replace(image, metadata={})))
        data = tools.run(
            program,
            [*_options(image, qp, settings), "-o", target, source],
            timeout_s=tools.time_limit_s(image.width * image.height),
            produces=target,
        )
    try:
        container = demux(data)
    except BadInputError as exc:
        raise ToolError(f"bpgenc wrote something else than a .bpg: {exc}") from exc
    if (container.width, container.height) != (image.width, image.height):
        raise ToolError(f"bpgenc wrote {container.width}×{container.height} instead")
    return data


def decode(data: bytes) -> Image:
    """The picture that bpgdec reads from a file, without metadata.

    Raises:
        MissingError: no bpgdec.
        BadInputError: it refuses the file.
        ToolTimeoutError: it did not end in time.
    """
    program = tools.find(BPGDEC)
    container = demux(data)
    with tools.scratch() as folder:
        source, target = folder / "in.bpg", folder / "out.png"
        source.write_bytes(data)
        try:
            png = tools.run(
                program,
                ["-b", "8", "-o", target, source],
                timeout_s=tools.time_limit_s(container.width * container.height),
                produces=target,
            )
        except ToolTimeoutError:
            raise
        except ToolError as exc:
            raise BadInputError(f"bpgdec refuses the .bpg: {exc}") from exc
    return images.read(png, "what bpgdec wrote")


def _options(image: Image, qp: int, settings: Settings) -> list[str]:
    """All that matters said: none of bpgenc's defaults is relied on.

    -lossless comes first, for it sets others back.
    """
    layout = settings.layout(image)
    chroma = "444" if layout.color_space == "rgb" else settings.chroma
    options = ["-lossless"] if settings.lossless else []
    options += ["-q", str(qp), "-f", chroma, "-b", str(layout.bit_depth)]
    options += ["-c", layout.color_space, "-e", "x265", "-m", str(settings.effort)]
    options += ["-alphaq", str(qp if settings.alpha_qp is None else settings.alpha_qp)]
    return [*options, "-limitedrange"] if layout.limited_range else options
