"""The .bpg file: its fields from bytes, and bytes from its fields."""

from dataclasses import dataclass
from typing import Literal

from neurocodec import images
from neurocodec.codecs.planes.layout import CHROMAS, COLOR_SPACES, Layout
from neurocodec.codecs.streams.bits import ByteReader, ue7
from neurocodec.errors import BadInputError

MAGIC = b"BPG\xfb"
METADATA_TAGS = {"exif": 1, "icc": 2, "xmp": 3, "thumbnail": 4, "animation": 5}
_LEFT_SITED = {"420": 4, "422": 5}
_MAX_DEPTH = 14

Alpha = Literal["none", "straight", "premultiplied", "white"]
_ALPHA_FLAGS: dict[tuple[int, int], Alpha] = {
    (0, 0): "none",
    (1, 0): "straight",
    (1, 1): "premultiplied",
    (0, 1): "white",
}


@dataclass(frozen=True)
class Container:
    """The fields of a .bpg file.

    Attributes:
        width: of the picture in pixels.
        height: likewise.
        layout: how its planes stand for it.
        alpha: what the second stream is; "white" is the W plane of a CMYK picture.
        extensions: tag and content of each piece of metadata, in the file's order.
        alpha_sps: the mini-SPS of the second stream, None without one.
        sps: the mini-SPS of the colour's stream.
        units: the NAL units of both, a start code before each but the first.
        says_length: whether the header says how long the rest is; else it goes to the file's end.
        animated: whether more pictures may follow the first.
    """

    width: int
    height: int
    layout: Layout
    sps: bytes
    units: bytes
    alpha: Alpha = "none"
    alpha_sps: bytes | None = None
    extensions: tuple[tuple[int, bytes], ...] = ()
    says_length: bool = True
    animated: bool = False

    @property
    def metadata(self) -> dict[str, bytes]:
        """The pieces of metadata by kind, those of unknown tags left out."""
        kinds = {tag: kind for kind, tag in METADATA_TAGS.items()}
        return {kinds[tag]: content for tag, content in self.extensions if tag in kinds}


def mux(container: Container) -> bytes:
    """The bytes of the file."""
    picture = container.units
    for sps in (container.sps, container.alpha_sps):
        if sps is not None:
            picture = ue7(len(sps)) + sps + picture
    extensions = b"".join(
        ue7(tag) + ue7(len(content)) + content for tag, content in container.extensions
    )
    sizes = [container.width, container.height, len(picture) if container.says_length else 0]
    if extensions:
        sizes.append(len(extensions))
    return MAGIC + _flags(container) + b"".join(map(ue7, sizes)) + extensions + picture


def demux(data: bytes) -> Container:
    """The fields of the file.

    Raises:
        BadInputError: not a .bpg, cut, damaged, or of more pixels than any picture may have.
    """
    if not data.startswith(MAGIC):
        raise BadInputError("not a .bpg file: it does not begin as one")
    reader = ByteReader(data)
    reader.take(len(MAGIC))
    first, second = reader.byte(), reader.byte()
    layout = _layout(first, second)
    alpha = _ALPHA_FLAGS[first >> 4 & 1, second >> 2 & 1]
    _require(alpha != "white" or layout.chroma != "gray")
    width, height, length = reader.ue7(), reader.ue7(), reader.ue7()
    _check_size(width, height)
    extensions = _extensions(reader.piece()) if second & 8 else ()
    picture = ByteReader(reader.take(length or reader.left))
    alpha_sps = picture.piece() if alpha != "none" else None
    sps = picture.piece()
    return Container(
        width=width,
        height=height,
        layout=layout,
        sps=sps,
        units=picture.take(picture.left),
        alpha=alpha,
        alpha_sps=alpha_sps,
        extensions=extensions,
        says_length=length > 0,
        animated=bool(second & 1),
    )


def _flags(container: Container) -> bytes:
    layout = container.layout
    chroma = CHROMAS.index(layout.chroma)
    pixel_format = _LEFT_SITED[layout.chroma] if layout.left else chroma
    first, second = next(flags for flags, kind in _ALPHA_FLAGS.items() if kind == container.alpha)
    color_space = COLOR_SPACES.index(layout.color_space)
    rare = second << 2 | layout.limited_range << 1 | container.animated
    rest = color_space << 4 | bool(container.extensions) << 3 | rare
    return bytes((pixel_format << 5 | first << 4 | layout.bit_depth - 8, rest))


def _layout(first: int, second: int) -> Layout:
    pixel_format, bit_depth, color_space = first >> 5, (first & 15) + 8, second >> 4
    left = {number: chroma for chroma, number in _LEFT_SITED.items()}
    _require(pixel_format < len(CHROMAS) or pixel_format in left)
    _require(bit_depth <= _MAX_DEPTH and color_space < len(COLOR_SPACES))
    _require(pixel_format > 0 or color_space == 0)
    return Layout(
        chroma=left.get(pixel_format) or CHROMAS[pixel_format],
        bit_depth=bit_depth,
        color_space=COLOR_SPACES[color_space],
        limited_range=bool(second & 2),
        left=pixel_format in left,
    )


def _extensions(block: bytes) -> tuple[tuple[int, bytes], ...]:
    reader = ByteReader(block)
    extensions = []
    while reader.left:
        extensions.append((reader.ue7(), reader.piece()))
    return tuple(extensions)


def _check_size(width: int, height: int) -> None:
    _require(width > 0 and height > 0)
    if width * height > images.most_pixels():
        raise BadInputError(
            f"the .bpg says {width}×{height}, more than {images.most_pixels()} pixels: "
            "it is damaged, or --max-pixels is to be raised"
        )


def _require(holds: bool) -> None:
    if not holds:
        raise BadInputError("the .bpg header is damaged")
