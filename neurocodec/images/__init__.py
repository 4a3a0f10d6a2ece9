"""The picture type that crosses every border of the data path, and reading and writing it."""

from neurocodec.images.image import Image, Plane, Stored, flatten, to_pillow
from neurocodec.images.limits import MAX_PIXELS, at_most, most_pixels
from neurocodec.images.plugins import know_plugins
from neurocodec.images.reading import file_format, has_picture_name, read, read_stored, size
from neurocodec.images.writing import png, png_of_samples, ppm

__all__ = [
    "MAX_PIXELS",
    "Image",
    "Plane",
    "Stored",
    "at_most",
    "file_format",
    "flatten",
    "has_picture_name",
    "know_plugins",
    "most_pixels",
    "png",
    "png_of_samples",
    "ppm",
    "read",
    "read_stored",
    "size",
    "to_pillow",
]
