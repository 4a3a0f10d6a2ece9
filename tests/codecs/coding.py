"""Encoding at a level in the codec's own unit."""

from neurocodec.codecs import Codec, Level
from neurocodec.images import Image


def encoded(codec: Codec, image: Image, value: int) -> bytes:
    """The file of a picture."""
    return codec.encode(image, Level(codec.unit, value))
