"""The picture type that crosses every border of the data path, and reading and writing it."""

from neurocodec.images.image import Image, Plane, Stored, flatten, to_pillow
from neurocodec.images.reading import MAX_PIXELS, file_format, has_picture_name, read, read_stored
from neurocodec.images.writing import png, png_of_samples, ppm

__all__ = [
    "MAX_PIXELS",
    "Image",
    "Plane",
    "Stored",
    "file_format",
    "flatten",
    "has_picture_name",
    "png",
    "png_of_samples",
    "ppm",
    "read",
    "read_stored",
    "to_pillow",
]
