"""Pictures to the bytes of PNG and PPM files."""

import io
import struct
import zlib

import numpy as np
import numpy.typing as npt
import PIL.PngImagePlugin

from neurocodec.errors import UsageError
from neurocodec.images.image import Image, to_pillow

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_RGB, _PNG_RGBA = 2, 6
_FILTER_UP = 2


def png(image: Image, compress_level: int = 1) -> bytes:
    """Write the picture as a PNG file: gray and alpha as they are, its metadata in it."""
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


def png_of_samples(
    pixels: npt.NDArray[np.uint16], alpha: npt.NDArray[np.uint16] | None = None
) -> bytes:
    """Write RGB (H, W, 3) and alpha (H, W) as a PNG file of 16 bits a sample."""
    samples = pixels if alpha is None else np.dstack([pixels, alpha])
    height, width, channels = samples.shape
    rows = samples.astype(">u2").view(np.uint8).reshape(height, -1)
    filtered = np.full((height, rows.shape[1] + 1), _FILTER_UP, np.uint8)
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    colour_type = _PNG_RGB if channels == 3 else _PNG_RGBA
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    packed = zlib.compress(filtered.tobytes(), level=6)
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return _PNG_SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


def ppm(image: Image) -> bytes:
    """Write the picture as a binary PPM file (P6), or PGM (P5) where it is gray.

    Raises:
        UsageError: it has alpha, which these formats cannot carry.
    """
    if image.alpha is not None:
        raise UsageError("the picture has alpha, which .ppm cannot carry: write a .png")
    return _save(image, "PPM")


def _save(image: Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    to_pillow(image).save(buffer, file_format, **options)
    return buffer.getvalue()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
