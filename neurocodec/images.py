"""The picture type that crosses every border of the data path, and reading and writing it.

Reading brings every picture to upright 8-bit sRGB.
"""

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from threading import RLock

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageCms
import PIL.ImageColor
import PIL.ImageOps
import PIL.PngImagePlugin

from neurocodec.errors import BadInputError, UsageError

Plane = npt.NDArray[np.uint8]

MAX_PIXELS = 179_000_000
_FORMATS_WITHOUT_A_READER = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
_GRAY_MODES = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"}
_PILLOW_STATE = RLock()  # both are global in Pillow and Python
_PROFILED_MODES = {"L", "CMYK", "LAB"}
_EXIF_PREFIX = b"Exif\0\0"


@dataclass(frozen=True, eq=False)
class Image:
    """One picture.

    Attributes:
        pixels: (H, W, 3) uint8, sRGB.
        alpha: (H, W) uint8, straight (not premultiplied), or None for an opaque picture.
        gray: the picture has no colour: its three channels are equal by construction.
        metadata: what the file said beside the pixels: "exif" (from the TIFF header on), "icc"
            (true of the pixels as they are here), "xmp".
    """

    pixels: Plane
    alpha: Plane | None = None
    gray: bool = False
    metadata: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(
                f"pixels must be (H, W, 3) uint8, not {self.pixels.shape} {self.pixels.dtype}"
            )
        if self.alpha is not None and self.alpha.shape != self.pixels.shape[:2]:
            raise ValueError(f"alpha is {self.alpha.shape}, pixels are {self.pixels.shape}")

    @property
    def width(self) -> int:
        """In pixels."""
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        """In pixels."""
        return self.pixels.shape[0]


def read(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Image:
    """The picture in `data`, in any format that Pillow opens.

    EXIF orientation is applied, an ICC profile converted to sRGB; 16-bit, palette and CMYK
    pictures become 8-bit RGB; an alpha that is opaque everywhere is dropped.

    Args:
        data: the whole file.
        name: what messages call it.
        max_pixels: width·height above which the picture is refused unread.

    Raises:
        BadInputError: not a picture, damaged, animated, or larger than `max_pixels`.
    """
    if not data:
        raise BadInputError(f"{name}: the file is empty")
    try:
        with _own_size_check(), PIL.Image.open(io.BytesIO(data)) as opened:
            _refuse_unfit(opened, name, max_pixels)
            return _to_image(opened)
    except PIL.UnidentifiedImageError:
        raise BadInputError(f"{name}: not a picture that Pillow can open") from None
    except (BadInputError, MemoryError):
        raise
    except Exception as exc:  # Pillow's readers raise anything at all on a damaged file
        raise BadInputError(f"{name}: cannot be read as a picture ({exc})") from exc


def file_format(path: Path) -> str | None:
    """Pillow's name of the format that the file's name ends as, of those that `read` knows."""
    return _formats().get(path.suffix.lower())


def has_picture_name(path: Path) -> bool:
    """Whether the file's name ends as those of a format that `read` knows."""
    return file_format(path) is not None


def flatten(image: Image, colour: str) -> Image:
    """The picture laid over an opaque ground; itself if it has no alpha.

    Args:
        image: any.
        colour: of the ground, as CSS writes it: "white", "#8090a0".

    Raises:
        UsageError: no such colour.
    """
    try:
        ground = np.array(PIL.ImageColor.getrgb(colour)[:3], np.float64)
    except ValueError:
        raise UsageError(f"no colour is called {colour!r}: write white, black or #rrggbb") from None
    if image.alpha is None:
        return image
    weight = image.alpha[..., None] / 255.0
    mixed = np.rint(image.pixels * weight + ground * (1 - weight)).astype(np.uint8)
    gray = image.gray and len(set(ground)) == 1
    return replace(image, pixels=mixed, alpha=None, gray=gray)


def png(image: Image, compress_level: int = 1) -> bytes:
    """The picture as a PNG file: gray and alpha as they are, its metadata in it."""
    chunks = PIL.PngImagePlugin.PngInfo()
    options: dict[str, object] = {"pnginfo": chunks, "compress_level": compress_level}
    if "xmp" in image.metadata:
        xmp = image.metadata["xmp"].decode("utf-8", errors="replace")
        chunks.add_itxt("XML:com.adobe.xmp", xmp)
    if "exif" in image.metadata:
        options["exif"] = image.metadata["exif"]
    if "icc" in image.metadata:
        options["icc_profile"] = image.metadata["icc"]
    return _save(image, "PNG", **options)


def ppm(image: Image) -> bytes:
    """The picture as a binary PPM file (P6), or PGM (P5) where it is gray.

    Raises:
        UsageError: it has alpha, which these formats cannot say.
    """
    if image.alpha is not None:
        raise UsageError("the picture has alpha, which .ppm cannot carry: write a .png")
    return _save(image, "PPM")


def _save(image: Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    to_pillow(image).save(buffer, file_format, **options)
    return buffer.getvalue()


def to_pillow(image: Image) -> PIL.Image.Image:
    """The picture in Pillow's own type, of mode L, LA, RGB or RGBA."""
    colour = image.pixels[..., 0] if image.gray else image.pixels
    if image.alpha is None:
        return PIL.Image.fromarray(np.ascontiguousarray(colour))
    return PIL.Image.fromarray(np.dstack([colour, image.alpha]))


@contextmanager
def _own_size_check() -> Iterator[None]:
    """Silence Pillow's warnings and its fixed limit on pixels: `read` has its own."""
    with _PILLOW_STATE, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, PIL.Image.MAX_IMAGE_PIXELS = PIL.Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            PIL.Image.MAX_IMAGE_PIXELS = limit


def _refuse_unfit(opened: PIL.Image.Image, name: str, max_pixels: int) -> None:
    frames = getattr(opened, "n_frames", 1)
    if frames > 1 and opened.format != "MPO":
        raise BadInputError(f"{name}: has {frames} frames: extract the one that is meant")
    if opened.width * opened.height > max_pixels:
        raise BadInputError(
            f"{name}: {opened.width}×{opened.height} is more than {max_pixels} pixels: "
            "raise --max-pixels if that is meant"
        )
    if opened.mode == "F":
        raise BadInputError(f"{name}: has floating-point samples: convert it to 8 or 16 bits")


def _to_image(opened: PIL.Image.Image) -> Image:
    gray = opened.mode in _GRAY_MODES
    upright = PIL.ImageOps.exif_transpose(opened)
    profile = upright.info.get("icc_profile")
    visible = upright.convert("RGBA") if upright.has_transparency_data else _to_8_bits(upright)
    colour, true_profile = _to_srgb(visible, profile)
    pixels = np.array(colour)
    alpha = None
    if visible.mode == "RGBA":
        mask = np.array(visible.getchannel("A"))
        alpha = mask if mask.min() < 255 else None
    if gray:
        pixels[..., 1:] = pixels[..., :1]
    return Image(pixels, alpha, gray, _metadata(upright, true_profile))


def _to_8_bits(picture: PIL.Image.Image) -> PIL.Image.Image:
    if not picture.mode.startswith("I"):
        return picture if picture.mode in _PROFILED_MODES else picture.convert("RGB")
    values = np.asarray(picture).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("its samples have more than 16 bits")
    return PIL.Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))


def _to_srgb(
    picture: PIL.Image.Image, profile: bytes | None
) -> tuple[PIL.Image.Image, bytes | None]:
    """RGB as sRGB says it, and the profile that is true of the result."""
    plain = picture.convert("RGB")
    if not profile:
        return plain, None
    source = plain if picture.mode == "RGBA" else picture
    try:
        given = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = _convert(source, given)
    except (PIL.ImageCms.PyCMSError, OSError, ValueError):  # a profile that fits no pixels
        return plain, None
    difference = np.asarray(converted, np.int16) - np.asarray(plain, np.int16)
    if source.mode == "RGB" and np.abs(difference).max() <= 1:
        return plain, profile
    return converted, _srgb().tobytes()


def _convert(picture: PIL.Image.Image, profile: PIL.ImageCms.ImageCmsProfile) -> PIL.Image.Image:
    converted = PIL.ImageCms.profileToProfile(picture, profile, _srgb(), outputMode="RGB")
    if converted is None:
        raise ValueError("the profile converts nothing")
    return converted


@lru_cache
def _formats() -> dict[str, str]:
    known = PIL.Image.registered_extensions()
    readable = PIL.Image.OPEN.keys() - _FORMATS_WITHOUT_A_READER
    return {ending: kind for ending, kind in known.items() if kind in readable}


@lru_cache
def _srgb() -> PIL.ImageCms.ImageCmsProfile:
    return PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB"))


def _metadata(upright: PIL.Image.Image, profile: bytes | None) -> dict[str, bytes]:
    exif = upright.info.get("exif", b"")
    if not exif and len(upright.getexif()):
        exif = upright.getexif().tobytes()
    xmp = upright.info.get("xmp", upright.info.get("XML:com.adobe.xmp", b""))
    found = {
        "exif": exif.removeprefix(_EXIF_PREFIX),
        "icc": profile or b"",
        "xmp": xmp.encode() if isinstance(xmp, str) else xmp,
    }
    return {kind: content for kind, content in found.items() if content}
