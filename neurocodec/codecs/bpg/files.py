"""One picture to a .bpg file and back, by the bundled x265 and ffmpeg's decoder in-process."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from neurocodec.codecs import libav
from neurocodec.codecs.bpg import x265
from neurocodec.codecs.bpg.container import METADATA_TAGS, Alpha, Container, mux
from neurocodec.codecs.bpg.settings import Settings
from neurocodec.codecs.bpg.streams import Stream, bpg_units, read_stream
from neurocodec.codecs.planes import colour
from neurocodec.codecs.planes.layout import Layout, Plane, cropped
from neurocodec.errors import BadInputError, ToolError
from neurocodec.images import Image

METADATA_KINDS = ("exif", "icc", "xmp")
_DECODED_DEPTHS = (8, 9, 10, 12)


def encoder() -> str:
    """Name and version of the bundled x265."""
    from importlib.metadata import version  # 10 ms that a command without encoding need not spend

    return f"libx265 (PyAV {version('av')})"


def encode(image: Image, qp: int, settings: Settings) -> bytes:
    """Encode a picture by the bundled x265, without its metadata.

    Args:
        image: any size; its alpha becomes a second stream.
        qp: 0 to 51, x265's, as `bpgenc -q` means it.
        settings: all else.

    Raises:
        ToolError: the encoder failed.
    """
    layout = settings.layout(image)
    planes = colour.to_planes(image.pixels, layout)
    alpha = image.alpha
    if alpha is not None:
        alpha = colour.to_alpha_plane(alpha, layout.bit_depth)
    return encode_planes(planes, layout, qp, settings, alpha=alpha)


def encode_planes(
    planes: Sequence[Plane],
    layout: Layout,
    qp: int,
    settings: Settings,
    *,
    alpha: Plane | None = None,
    alpha_kind: Alpha = "straight",
) -> bytes:
    """Encode planes as they are, without any colour conversion.

    Args:
        planes: (H, W) each, of the shapes that `layout.plane_shape` gives and of its dtype; the
            first has the picture's size.
        layout: what they stand for, as the file will say.
        qp: 0 to 51, x265's.
        settings: "effort", "lossless" and "alpha_qp" count here: the rest is in `layout`.
        alpha: (H, W), of full range, in a second stream; None without one.
        alpha_kind: what that plane is: "straight", "premultiplied", or "white", the W of CMYK.

    Raises:
        ToolError: the encoder failed.
    """
    stream = _encode(planes, layout, qp, settings)
    alpha_stream = None
    if alpha is not None:
        gray = Layout("gray", layout.bit_depth)
        alpha_stream = _encode([alpha], gray, settings.qp_of_alpha(qp), settings)
    height, width = planes[0].shape
    return mux(
        Container(
            width=width,
            height=height,
            layout=layout,
            sps=stream.sps.mini.to_bytes(),
            units=bpg_units(stream, alpha_stream),
            alpha=alpha_kind if alpha_stream else "none",
            alpha_sps=alpha_stream.sps.mini.to_bytes() if alpha_stream else None,
        )
    )


def with_metadata(container: Container, metadata: Mapping[str, bytes]) -> bytes:
    """The same file with a picture's EXIF, ICC and XMP in it, and no other metadata."""
    extensions = tuple(
        (METADATA_TAGS[kind], metadata[kind]) for kind in METADATA_KINDS if metadata.get(kind)
    )
    return mux(replace(container, extensions=extensions, says_length=True))


def undecodable(container: Container, colour_stream: Stream) -> str | None:
    """The reason why ffmpeg's decoder cannot be trusted with this file; None where it can."""
    if colour_stream.sps.mini.implicit_rdpcm:
        return "it uses implicit RDPCM"
    if container.layout.bit_depth not in _DECODED_DEPTHS:
        return f"it has {container.layout.bit_depth} bits a sample"
    return None


def decode_samples(
    container: Container, colour_stream: Stream, alpha_stream: Stream | None, depth: int = 8
) -> tuple[Plane, Plane | None]:
    """Decode to RGB (H, W, 3) and straight alpha (H, W), of 8 or 16 bits a sample.

    A file that is cut is noticed: by the length that its header says, or where it says none by a
    second decoding. A flipped bit in the header may give a picture of another size.

    Raises:
        BadInputError: the file is damaged.
    """
    layout = container.layout
    pixels = colour.to_pixels(_planes(colour_stream, container, layout), layout, depth)
    if alpha_stream is None:
        return pixels, None
    plane = _planes(alpha_stream, container, Layout("gray", layout.bit_depth))[0]
    if container.alpha == "white":
        return colour.multiply_by_white(pixels, plane, layout.bit_depth), None
    alpha = colour.to_alpha(plane, layout.bit_depth, depth)
    if container.alpha == "premultiplied":
        pixels = colour.divide_by_alpha(pixels, alpha)
    return pixels, alpha


def _encode(planes: Sequence[Plane], layout: Layout, qp: int, settings: Settings) -> Stream:
    height, width = planes[0].shape
    stream = x265.encode(planes, layout, qp, effort=settings.effort, lossless=settings.lossless)
    try:
        return read_stream(stream, layout, width, height)
    except BadInputError as exc:
        raise ToolError(f"x265 wrote a stream that no .bpg can hold: {exc}") from exc


def _planes(stream: Stream, container: Container, layout: Layout) -> list[Plane]:
    """The decoded planes, cut to the picture's true size."""
    may_be_cut = stream.ends_in_slice and not container.says_length
    frame = libav.decode("hevc", stream.bare(), may_be_cut=may_be_cut)
    coded = stream.sps.height, stream.sps.width
    if frame.pixel_format != x265.pixel_format(layout) or frame.planes[0].shape != coded:
        raise BadInputError("its HEVC stream is not the picture that its header says")
    return cropped(frame.planes, layout, container.height, container.width)
