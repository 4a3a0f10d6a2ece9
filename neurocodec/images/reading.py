"""Picture files to upright 8-bit sRGB."""

import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from threading import RLock

import numpy as np
import PIL.Image
import PIL.ImageOps
import PIL.PngImagePlugin

from neurocodec.errors import BadInputError
from neurocodec.images import depth, profiles, tiff
from neurocodec.images.image import Image, Plane, Stored

LOG = logging.getLogger("neurocodec")
MAX_PIXELS = 179_000_000
_MAX_METADATA_BYTES = 64 << 20  # of a PNG, inflated
_FORMATS_WITHOUT_A_READER = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
_PNG_METADATA = {b"tEXt", b"zTXt", b"iTXt", b"iCCP"}
_GRAY_MODES = {"1", "L", "LA", "La"}
_PLAIN_MODES = {"L", "RGB", "CMYK", "LAB"}
_PILLOW_STATE = RLock()  # Pillow's limits and Python's warnings are global
_EXIF_PREFIX = b"Exif\0\0"


def read(data: bytes, name: str, max_pixels: int = MAX_PIXELS, *, as_stored: bool = False) -> Image:
    """Read a picture in any format that Pillow opens.

    EXIF orientation is applied, an ICC profile converted to sRGB; deep, palette and CMYK pictures
    become 8-bit RGB; an alpha that is opaque everywhere is dropped.

    Args:
        data: the whole file.
        name: what messages call it.
        max_pixels: width·height above which the picture is refused unread.

    Raises:
        BadInputError: not a picture, damaged, animated, or larger than `max_pixels`.
    """
    with _reading(data, name):
        opened, data = _load(data, name, max_pixels)
        return _to_image(depth.at_8_bits(opened, data), data, name)


def read_stored(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Stored:
    """Read the samples as the file has them: not turned, no profile converted.

    Args:
        data: the whole file.
        name: what messages call it.
        max_pixels: width·height above which the picture is refused unread.

    Raises:
        BadInputError: as for `read`.
    """
    with _reading(data, name):
        try:
            opened, data = _load(data, name, max_pixels, draft="YCbCr")
        except OSError:  # a JPEG of RGB
            opened, data = _load(data, name, max_pixels)
        metadata = _metadata(opened, opened.info.get("icc_profile"))
        samples = depth.png_samples(opened, data)
        if samples is not None:
            return Stored(("L", "LA", "RGB", "RGBA")[samples.shape[2] - 1], samples, metadata)
        picture = depth.at_8_bits(opened, data)
        if picture.mode != "YCbCr":
            picture = _plain(picture)
        samples = np.array(picture).reshape(picture.height, picture.width, -1)
        return Stored(picture.mode, samples, metadata)


@contextmanager
def _reading(data: bytes, name: str) -> Iterator[None]:
    """Set Pillow's limits to our own, and name the file in what is raised."""
    if not data:
        raise BadInputError(f"{name}: the file is empty")
    try:
        with _own_limits():
            yield
    except BadInputError as exc:
        raise BadInputError(f"{name}: {exc}") from exc
    except PIL.UnidentifiedImageError:
        raise BadInputError(f"{name}: not a picture that Pillow can open") from None
    except MemoryError:
        raise BadInputError(f"{name}: too large to be read into memory") from None
    except Exception as exc:  # Pillow's readers raise anything at all on a damaged file
        raise BadInputError(f"{name}: cannot be read as a picture ({exc})") from exc


def file_format(path: Path) -> str | None:
    """Pillow's name of the format that the file's name ends as, of those that `read` knows."""
    return _formats().get(path.suffix.lower())


def has_picture_name(path: Path) -> bool:
    """Tell whether the file's name ends as those of a format that `read` knows."""
    return file_format(path) is not None


@contextmanager
def _own_limits() -> Iterator[None]:
    """Set Pillow's fixed limits to those of `read`, and silence its warnings."""
    text = PIL.PngImagePlugin
    with _PILLOW_STATE, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = PIL.Image.MAX_IMAGE_PIXELS, text.MAX_TEXT_CHUNK, text.MAX_TEXT_MEMORY
        PIL.Image.MAX_IMAGE_PIXELS = None
        text.MAX_TEXT_CHUNK = text.MAX_TEXT_MEMORY = _MAX_METADATA_BYTES
        try:
            yield
        finally:
            PIL.Image.MAX_IMAGE_PIXELS, text.MAX_TEXT_CHUNK, text.MAX_TEXT_MEMORY = kept


def _load(
    data: bytes, name: str, max_pixels: int, draft: str = ""
) -> tuple[PIL.Image.Image, bytes]:
    """Decode a file; its metadata is left out where it is too large.

    Returns:
        The picture, and the bytes of the file that it was decoded from.
    """
    check_size = partial(_check_size, max_pixels)
    if data[:4] in tiff.MARKS:
        data = tiff.at_8_bits(data, check_size)
    try:
        return _open(data, check_size, draft), data
    except ValueError as exc:
        if "MAX_TEXT" not in str(exc):
            raise
    LOG.warning("%s: texts and colour profile are left out: they are too large", name)
    data = _without_metadata(data)
    return _open(data, check_size, draft), data


def _open(data: bytes, check_size: Callable[[int, int], None], draft: str) -> PIL.Image.Image:
    opened = PIL.Image.open(io.BytesIO(data))
    frames = getattr(opened, "n_frames", 1)
    if frames > 1 and opened.format != "MPO":
        raise BadInputError(f"has {frames} frames: extract the one that is meant")
    check_size(opened.width, opened.height)
    if opened.mode == "F":
        raise BadInputError("has floating-point samples: convert it to 8 or 16 bits")
    if opened.format == "FITS" and opened.mode != "L":
        raise BadInputError("has samples of physical units: convert it to 8 or 16 bits")
    if draft:
        opened.draft(draft, None)
    opened.load()
    return opened


def _check_size(max_pixels: int, width: int, height: int) -> None:
    if width * height > max_pixels:
        raise BadInputError(
            f"{width}×{height} is more than {max_pixels} pixels: "
            "raise --max-pixels if that is meant"
        )


def _without_metadata(data: bytes) -> bytes:
    """Drop the chunks of a PNG that hold texts and the colour profile."""
    kept, at = [data[:8]], 8
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] not in _PNG_METADATA:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _to_image(picture: PIL.Image.Image, data: bytes, name: str) -> Image:
    gray = picture.mode in _GRAY_MODES
    _turn_upright(picture, name)
    channels, mask = _split(picture)
    profile, told = picture.info.get("icc_profile"), None
    try:
        if profile:
            channels, profile = profiles.convert(channels, profile)
        else:
            told = profiles.untold(picture.info, picture.format, data)
    except profiles.UnfitProfileError as exc:
        LOG.warning("%s: its colour profile is passed over: %s", name, exc)
        profile = None
    if told:
        LOG.warning("%s: taken for sRGB, though the file says %s", name, told)
    pixels = _rgb(channels)
    if gray:
        pixels[..., 1:] = pixels[..., :1]
    alpha = mask if mask is not None and mask.min() < 255 else None
    return Image(pixels, alpha, gray, _metadata(picture, profile))


def _turn_upright(picture: PIL.Image.Image, name: str) -> None:
    try:
        PIL.ImageOps.exif_transpose(picture, in_place=True)
    except MemoryError:
        raise
    except Exception as exc:  # whatever a damaged EXIF makes Pillow raise
        LOG.warning("%s: its EXIF is passed over, orientation too: it is damaged (%s)", name, exc)
        picture.info.pop("exif", None)


def _split(picture: PIL.Image.Image) -> tuple[PIL.Image.Image, Plane | None]:
    """Separate colour, of mode L, RGB, CMYK or LAB, from alpha."""
    picture = _plain(picture)
    if picture.mode not in {"LA", "RGBA"}:
        return picture, None
    *colour, alpha = picture.split()
    return PIL.Image.merge(picture.mode[:-1], colour), np.array(alpha)


def _plain(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Bring a picture to one of the modes that are as they seem."""
    gray = picture.mode in _GRAY_MODES
    if picture.has_transparency_data:
        return picture.convert("LA" if gray else "RGBA")
    if picture.mode in _PLAIN_MODES:
        return picture
    return picture.convert("L" if gray else "RGB")


def _rgb(channels: PIL.Image.Image) -> Plane:
    return np.array(channels if channels.mode == "RGB" else channels.convert("RGB"))


@lru_cache
def _formats() -> dict[str, str]:
    known = PIL.Image.registered_extensions()
    readable = PIL.Image.OPEN.keys() - _FORMATS_WITHOUT_A_READER
    return {ending: kind for ending, kind in known.items() if kind in readable}


def _metadata(picture: PIL.Image.Image, profile: bytes | None) -> dict[str, bytes]:
    exif = picture.info.get("exif", b"")
    if not exif and len(picture.getexif()):
        exif = picture.getexif().tobytes()
    xmp = picture.info.get("xmp", picture.info.get("XML:com.adobe.xmp", b""))
    pieces = {
        "exif": exif.removeprefix(_EXIF_PREFIX),
        "icc": profile or b"",
        "xmp": xmp.encode() if isinstance(xmp, str) else xmp,
    }
    return {kind: content for kind, content in pieces.items() if content}
