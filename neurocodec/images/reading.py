"""Reading picture files as upright 8-bit sRGB."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from threading import RLock

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps
import PIL.PngImagePlugin

from neurocodec.errors import BadInputError
from neurocodec.images import depth, jxl, plugins, profiles, tiff
from neurocodec.images.image import Image, Plane, Stored
from neurocodec.images.limits import most_pixels
from neurocodec.images.plugins import know_plugins

LOG = logging.getLogger("neurocodec")
_MAX_METADATA_BYTES = 256 << 20  # of a PNG, inflated
_FORMATS_WITHOUT_A_READER = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
_GRAY_MODES = {"1", "L", "LA", "La"}
_PLAIN_MODES = {"L", "RGB", "CMYK", "LAB"}
_PILLOW_STATE = RLock()  # Pillow's limits and Python's warnings are global


def read(data: bytes, name: str, max_pixels: int | None = None) -> Image:
    """Read a picture in any format that Pillow opens.

    EXIF orientation is applied, an ICC profile converted to sRGB; deep, palette and CMYK pictures
    become 8-bit RGB; an alpha that is opaque everywhere is dropped.

    Args:
        data: the whole file.
        name: what messages call it.
        max_pixels: width·height above which the picture is refused unread; None is the limit in
            force (limits.py).

    Raises:
        BadInputError: not a picture, damaged, animated, or larger than `max_pixels`.
    """
    with _reading(data, name):
        return _to_image(depth.at_8_bits(_load(data, max_pixels), data), data, name)


def read_stored(data: bytes, name: str, max_pixels: int | None = None) -> Stored:
    """Read the samples as the file has them: not turned, no profile converted.

    Args:
        data: the whole file.
        name: what messages call it.
        max_pixels: width·height above which the picture is refused unread; None is the limit in
            force (limits.py).

    Raises:
        BadInputError: as for `read`.
    """
    with _reading(data, name):
        try:
            opened = _load(data, max_pixels, draft="YCbCr")
        except OSError:  # a JPEG of RGB
            opened = _load(data, max_pixels)
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
    """Set Pillow's fixed limits to our own, silence its warnings, and name the file in errors."""
    if not data:
        raise BadInputError(f"{name}: the file is empty")
    text = PIL.PngImagePlugin
    with _PILLOW_STATE, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limits = PIL.Image.MAX_IMAGE_PIXELS, text.MAX_TEXT_CHUNK, text.MAX_TEXT_MEMORY
        PIL.Image.MAX_IMAGE_PIXELS = None
        text.MAX_TEXT_CHUNK = text.MAX_TEXT_MEMORY = _MAX_METADATA_BYTES
        try:
            yield
        except BadInputError as exc:
            raise BadInputError(f"{name}: {exc}") from exc
        except PIL.UnidentifiedImageError:
            raise BadInputError(f"{name}: not a picture that Pillow can open") from None
        except MemoryError:
            raise BadInputError(f"{name}: too large to be read into memory") from None
        except Exception as exc:  # Pillow's readers raise anything at all on a damaged file
            raise BadInputError(f"{name}: cannot be read as a picture ({exc})") from exc
        finally:
            PIL.Image.MAX_IMAGE_PIXELS, text.MAX_TEXT_CHUNK, text.MAX_TEXT_MEMORY = limits


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height that a picture's header tells; None where Pillow does not know the file."""
    try:
        with _reading(data, "the picture"):
            coded = jxl.size(data)
            if coded is not None:
                return coded
            opened = _opened(data)
            return opened.width, opened.height
    except BadInputError:
        return None


def file_format(path: Path) -> str | None:
    """Pillow's name of the format that the file's name ends as, of those that `read` knows."""
    return _formats().get(path.suffix.lower())


def has_picture_name(path: Path) -> bool:
    """Tell whether the file's name ends as those of a format that `read` knows."""
    return file_format(path) is not None


def _load(data: bytes, max_pixels: int | None, draft: str = "") -> PIL.Image.Image:
    max_pixels = most_pixels() if max_pixels is None else max_pixels
    check_size = partial(_check_size, max_pixels)
    if data[:4] in tiff.MARKS:
        data = tiff.at_8_bits(data, check_size)
    _check_undecoded(data, max_pixels)
    opened = _opened(data)
    frames = getattr(opened, "n_frames", 1)
    if frames > 1 and opened.format != "MPO":
        raise BadInputError(f"has {frames} frames: extract the one that is meant")
    check_size(opened.width, opened.height)
    if opened.mode == "F" or (opened.format == "FITS" and opened.mode != "L"):
        raise BadInputError("has floating-point or physical samples: convert it to 8 or 16 bits")
    if draft:
        opened.draft(draft, None)
    opened.load()
    return opened


def _opened(data: bytes) -> PIL.Image.Image:
    try:
        return PIL.Image.open(io.BytesIO(data))
    except PIL.UnidentifiedImageError:
        know_plugins()  # they take a tenth of a second, which other formats need not wait
        return PIL.Image.open(io.BytesIO(data))


def _check_undecoded(data: bytes, max_pixels: int) -> None:
    """Check the size of a file that Pillow's plug-in would decode to tell it."""
    coded = jxl.size(data)
    if coded is not None:
        _check_size(max_pixels, *coded)


def _check_size(max_pixels: int, width: int, height: int) -> None:
    if width * height > max_pixels:
        raise BadInputError(
            f"{width}×{height} is more than {max_pixels} pixels: "
            "raise --max-pixels if that is meant"
        )


def _to_image(picture: PIL.Image.Image, data: bytes, name: str) -> Image:
    gray = picture.mode in _GRAY_MODES
    _turn_upright(picture, name)
    channels, mask = _split(picture)
    profile, declared = picture.info.get("icc_profile"), None
    try:
        if profile:
            channels, profile = profiles.convert(channels, profile)
        else:
            declared = profiles.declared_colour(picture.info, picture.format, data)
    except (PIL.ImageCms.PyCMSError, OSError, ValueError) as exc:
        LOG.warning("%s: its colour profile is ignored: %s", name, exc)
        profile = None
    if declared:
        LOG.warning("%s: read as sRGB, but the file declares %s", name, declared)
    pixels = np.array(channels if channels.mode == "RGB" else channels.convert("RGB"))
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
        LOG.warning("%s: its EXIF is ignored, orientation too: it is damaged (%s)", name, exc)
        picture.info.pop("exif", None)


def _split(picture: PIL.Image.Image) -> tuple[PIL.Image.Image, Plane | None]:
    """Separate colour, of mode L, RGB, CMYK or LAB, from alpha."""
    picture = _plain(picture)
    if picture.mode not in {"LA", "RGBA"}:
        return picture, None
    return picture.convert(picture.mode[:-1]), np.array(picture.getchannel("A"))


def _plain(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Convert palettes, keyed transparency and rare modes to plain channels."""
    gray = picture.mode in _GRAY_MODES
    if picture.has_transparency_data:
        return picture.convert("LA" if gray else "RGBA")
    if picture.mode in _PLAIN_MODES:
        return picture
    return picture.convert("L" if gray else "RGB")


@lru_cache
def _formats() -> dict[str, str]:
    known = PIL.Image.registered_extensions()
    readable = PIL.Image.OPEN.keys() - _FORMATS_WITHOUT_A_READER
    built_in = {ending: kind for ending, kind in known.items() if kind in readable}
    return plugins.ENDINGS | built_in


def _metadata(picture: PIL.Image.Image, profile: bytes | None) -> dict[str, bytes]:
    exif = picture.info.get("exif") or b""
    if picture.format == "TIFF":
        exif = b""  # Pillow would give all fields of the file, its strips' places too
    elif not exif and len(picture.getexif()):
        exif = picture.getexif().tobytes()
    xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp", b"")
    pieces = {
        "exif": exif.removeprefix(b"Exif\0\0"),
        "icc": profile or b"",
        "xmp": xmp.encode() if isinstance(xmp, str) else xmp,
    }
    return {kind: content for kind, content in pieces.items() if content}
