"""The .bpg file: its fields from bytes, and bytes from its fields."""

from dataclasses import dataclass
from typing import Literal

from neurocodec import images
from neurocodec.codecs.bpg.bits import read_ue7, ue7
from neurocodec.codecs.bpg.layout import CHROMAS, COLOR_SPACES, Layout
from neurocodec.errors import BadInputError

MAGIC = b"BPG\xfb"
METADATA_TAGS = {"exif": 1, "icc": 2, "xmp": 3, "thumbnail": 4, "animation": 5}
_SHORTEST = 6
_LEFT_SITED = {4: "420", 5: "422"}
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
    """All that a .bpg file says.

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
    first, second = next(
        flags for flags, alpha in _ALPHA_FLAGS.items() if alpha == container.alpha
    )
    layout = container.layout
    color_space = COLOR_SPACES.index(layout.color_space)
    extensions = b"".join(
        ue7(tag) + ue7(len(content)) + content for tag, content in container.extensions
    )
    picture = ue7(len(container.sps)) + container.sps + container.units
    if container.alpha_sps is not None:
        picture = ue7(len(container.alpha_sps)) + container.alpha_sps + picture
    return b"".join(
        (
            MAGIC,
            bytes((_pixel_format(layout) << 5 | first << 4 | layout.bit_depth - 8,)),
            bytes(
                (
                    color_space << 4
                    | bool(extensions) << 3
                    | second << 2
                    | layout.limited_range << 1
                    | container.animated,
                )
            ),
            ue7(container.width),
            ue7(container.height),
            ue7(len(picture) if container.says_length else 0),
            ue7(len(extensions)) if extensions else b"",
            extensions,
            picture,
        )
    )


def demux(data: bytes) -> Container:
    """The fields of the file.

    Raises:
        BadInputError: not a .bpg, cut, damaged, or of more pixels than any picture may have.
    """
    if not data.startswith(MAGIC) or len(data) < _SHORTEST:
        raise BadInputError("not a .bpg file: it does not begin as one, or is cut")
    pixel_format, first, depth = data[4] >> 5, data[4] >> 4 & 1, (data[4] & 15) + 8
    color_space, second = data[5] >> 4, data[5] >> 2 & 1
    layout = _layout(pixel_format, depth, color_space, limited_range=bool(data[5] & 2))
    width, at = read_ue7(data, _SHORTEST)
    height, at = read_ue7(data, at)
    _check_size(width, height)
    length, at = read_ue7(data, at)
    extensions: tuple[tuple[int, bytes], ...] = ()
    if data[5] & 8:
        block, at = _piece(data, at)
        extensions = _extensions(block)
    if length > len(data) - at:
        raise BadInputError(
            f"the .bpg is cut: {length - (len(data) - at)} bytes are missing: get the file again"
        )
    end = at + length if length else len(data)
    alpha = _ALPHA_FLAGS[first, second]
    if alpha == "white" and layout.chroma == "gray":
        raise _damaged()
    alpha_sps = None
    if alpha != "none":
        alpha_sps, at = _piece(data[:end], at)
    sps, at = _piece(data[:end], at)
    return Container(
        width,
        height,
        layout,
        sps,
        data[at:end],
        alpha,
        alpha_sps,
        extensions,
        says_length=length > 0,
        animated=bool(data[5] & 1),
    )
