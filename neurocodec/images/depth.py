"""Samples of 16 bits and transparent values of a PNG, as 8-bit pictures with an alpha channel."""

from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image

_IHDR_DEPTH, _IHDR_COLOUR = 24, 25  # where a PNG has its bit depth and its colour type
_GRAY = 0
_CHANNELS = {"ya16be": 2, "rgb48be": 3, "rgba64be": 4}


def at_8_bits(opened: PIL.Image.Image, data: bytes) -> PIL.Image.Image:
    """Bring a loaded picture to 8 bits a sample, a PNG's transparent value into an alpha channel.

    Args:
        opened: as Pillow has read it.
        data: the whole file.

    Raises:
        ValueError: samples of more than 16 bits.
    """
    if opened.format == "PNG":
        depth, colour_type = data[_IHDR_DEPTH], data[_IHDR_COLOUR]
        if depth == 16 and (colour_type != _GRAY or "transparency" in opened.info):
            return _replaced(opened, _scaled(_decoded_png(data)))
        if depth < 8 and colour_type == _GRAY and "transparency" in opened.info:
            top = (1 << depth) - 1
            opened.info["transparency"] = (opened.info["transparency"] & top) * 255 // top
    if not opened.mode.startswith("I"):
        return opened
    values = np.asarray(opened)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("its samples have more than 16 bits")
    return _replaced(opened, _scaled(values))


def _decoded_png(data: bytes) -> npt.NDArray[np.integer[Any]]:
    """Decode the samples, (H, W, N), of which Pillow keeps 8 bits only."""
    import av  # 0.15 s that other pictures need not spend

    context = av.CodecContext.create("png", "r")
    frame = [*context.decode(av.Packet(data)), *context.decode(None)][0]
    channels = _CHANNELS[frame.format.name]
    rows = np.frombuffer(bytes(frame.planes[0]), ">u2").reshape(frame.height, -1)
    return rows[:, : frame.width * channels].reshape(frame.height, frame.width, channels)


def _scaled(values: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.uint8]:
    return ((values.astype(np.int64) * 255 + 32767) // 65535).astype(np.uint8)


def _replaced(opened: PIL.Image.Image, pixels: npt.NDArray[np.uint8]) -> PIL.Image.Image:
    """Make a picture of other pixels with the metadata of the opened one."""
    picture = PIL.Image.fromarray(pixels)
    picture.info = {k: v for k, v in opened.info.items() if k != "transparency"}
    exif = opened.getexif()
    if len(exif) and "exif" not in picture.info:
        picture.info["exif"] = exif.tobytes()
    return picture
