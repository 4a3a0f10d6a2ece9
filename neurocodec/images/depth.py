"""Conversion of deep samples to 8 bits, and of a PNG's transparent value to an alpha channel."""

from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image

_IHDR_DEPTH, _IHDR_COLOUR = 24, 25  # where a PNG has its bit depth and its colour type
_GRAY = 0


def at_8_bits(opened: PIL.Image.Image, data: bytes) -> PIL.Image.Image:
    """Bring a loaded picture to 8 bits a sample, a PNG's transparent value into an alpha channel.

    Args:
        opened: as Pillow has read it.
        data: the whole file.

    Raises:
        ValueError: samples of more than 16 bits.
    """
    deep = png_samples(opened, data)
    if deep is not None:
        return _replaced(opened, scaled(deep, 65535))
    if opened.format == "PNG" and opened.mode == "L" and "transparency" in opened.info:
        top = (1 << data[_IHDR_DEPTH]) - 1
        opened.info["transparency"] = (opened.info["transparency"] & top) * 255 // top
    if not opened.mode.startswith("I"):
        return opened
    values = np.asarray(opened)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("its samples have more than 16 bits")
    return _replaced(opened, scaled(values[..., None], 65535))


def png_samples(opened: PIL.Image.Image, data: bytes) -> npt.NDArray[np.uint16] | None:
    """Decode the samples, (H, W, N), of a loaded PNG of 16 bits a sample; None for another picture.

    Pillow keeps 8 bits of all but plain gray ones.
    """
    if opened.format != "PNG" or data[_IHDR_DEPTH] != 16:
        return None
    if data[_IHDR_COLOUR] == _GRAY and "transparency" not in opened.info:
        return np.asarray(opened).astype(np.uint16)[..., None]
    import av  # 0.15 s that other pictures need not spend

    context = av.CodecContext.create("png", "r")
    frame = [*context.decode(av.Packet(data)), *context.decode(None)][0]
    channels = len(frame.format.components)
    rows = np.frombuffer(bytes(frame.planes[0]), ">u2").reshape(frame.height, -1)
    samples = rows[:, : frame.width * channels].astype(np.uint16)
    return samples.reshape(frame.height, frame.width, channels)


def scaled(samples: npt.NDArray[np.integer[Any]], top: int) -> npt.NDArray[np.uint8]:
    """Scale samples of 0 to `top`, at most 65535, to 0 to 255, rounded."""
    result = np.empty(samples.shape, np.uint8)
    for row, target in zip(samples, result, strict=True):  # all at once take 12 bytes a sample
        target[...] = (row.astype(np.uint32) * 255 + top // 2) // top
    return result


def _replaced(opened: PIL.Image.Image, pixels: npt.NDArray[np.uint8]) -> PIL.Image.Image:
    """Make a picture of other pixels with the metadata of the opened one."""
    picture = PIL.Image.fromarray(pixels.squeeze(axis=2) if pixels.shape[2] == 1 else pixels)
    picture.format = opened.format
    picture.info = {k: v for k, v in opened.info.items() if k != "transparency"}
    exif = opened.getexif()
    if len(exif) and "exif" not in picture.info:
        picture.info["exif"] = exif.tobytes()
    return picture
