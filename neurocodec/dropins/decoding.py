"""A .bpg to a picture file as bpgdec writes it, and what a .bpg holds as bpgdec prints it."""

from dataclasses import replace

from neurocodec import images
from neurocodec.codecs.bpg import files
from neurocodec.codecs.bpg.container import Container
from neurocodec.codecs.bpg.streams import colour_and_alpha
from neurocodec.codecs.planes.layout import COLOR_SPACES, Plane
from neurocodec.codecs.streams.hevc import nal
from neurocodec.errors import BadInputError, UsageError

_NAMES = ("YCbCr", "RGB", "YCgCo", "YCbCr_BT709", "YCbCr_BT2020")
_TAGS = ("Unknown", "EXIF", "ICC profile", "XMP", "Thumbnail", "Animation control")


def png(bpg: Container, depth: int) -> bytes:
    """Decode to an RGB or RGBA .png of 8 or 16 bits a sample."""
    if depth not in {8, 16}:
        raise UsageError(f"-b {depth}: a .png has 8 or 16 bits a sample")
    samples = _samples(bpg, depth)
    return images.png(images.Image(*samples)) if depth == 8 else images.png_of_samples(*samples)


def ppm(bpg: Container) -> bytes:
    """Decode to an RGB .ppm of 8 bits a sample."""
    return images.ppm(images.Image(_samples(bpg, 8)[0]))


def describe(bpg: Container) -> str:
    """Describe the header and its extensions in the lines that `bpgdec -i` prints."""
    layout = bpg.layout
    if layout.chroma == "gray":
        space = chroma = "Gray"
    else:
        space = _NAMES[COLOR_SPACES.index(layout.color_space)]
        chroma = ":".join(layout.chroma) + ("_video" if layout.left else "")
    alpha = ""
    if bpg.alpha == "white":
        alpha = " w_plane=1"
    elif bpg.alpha != "none":
        alpha = f" alpha=1 premul={bpg.alpha == 'premultiplied':d}"
    lines = [
        f"size={bpg.width}x{bpg.height} color_space={space}{alpha} format={chroma} "
        f"limited_range={layout.limited_range:d} bit_depth={layout.bit_depth} "
        f"animation={bpg.animated:d}"
    ]
    if bpg.extensions:
        lines.append("Extension data:")
    for tag, content in bpg.extensions:
        name = _TAGS[tag] if tag < len(_TAGS) else _TAGS[0]
        lines.append(f"  tag={tag} ({name}) length={len(content)}")
    return "\n".join(lines)


def _samples(bpg: Container, depth: int) -> tuple[Plane, Plane | None]:
    still = _first_picture(bpg) if bpg.animated else bpg
    streams = colour_and_alpha(still)
    reason = files.undecodable(still, streams[0])
    if reason:
        raise BadInputError(f"{reason}, which only libbpg's bpgdec decodes")
    return files.decode_samples(still, *streams, depth)


def _first_picture(bpg: Container) -> Container:
    """Cut an animation down to its first picture."""
    units: list[nal.Nal] = []
    begun: set[int] = set()
    for unit in nal.split(nal.START_CODE + bpg.units):
        if unit.starts_picture and unit.layer in begun:
            break
        if unit.starts_picture:
            begun.add(unit.layer)
        units.append(unit)
    stream = nal.join(units).removeprefix(nal.START_CODE)
    return replace(bpg, animated=False, units=stream)
