"""Writing pictures as PNG and PPM files."""

import io
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import PIL.PngImagePlugin

from neurocodec.errors import UsageError
from neurocodec.images.image import Image, to_pillow


def png(image: Image, compress_level: int = 1) -> bytes:
    """Write the picture as a PNG file: gray and alpha as they are, its metadata in it."""
    metadata, chunks = image.metadata, PIL.PngImagePlugin.PngInfo()
    if "xmp" in metadata:
        chunks.add_itxt("XML:com.adobe.xmp", metadata["xmp"].decode("utf-8", errors="replace"))
    options = {"exif": metadata.get("exif"), "icc_profile": metadata.get("icc")}
    return _save(image, "PNG", pnginfo=chunks, compress_level=compress_level, **options)


def png_of_samples(
    pixels: npt.NDArray[np.uint16], alpha: npt.NDArray[np.uint16] | None = None
) -> bytes:
    """Write RGB (H, W, 3) and alpha (H, W) as a PNG file of 16 bits a sample."""
    import av  # 0.15 s that other pictures need not spend

    samples = pixels if alpha is None else np.dstack([pixels, alpha])
    frame = av.VideoFrame.from_ndarray(samples, "rgb48be" if alpha is None else "rgba64be")
    context = av.CodecContext.create("png", "w")
    context.width, context.height, context.pix_fmt = frame.width, frame.height, frame.format.name
    context.time_base = Fraction(1)
    return b"".join(map(bytes, [*context.encode(frame), *context.encode(None)]))


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
