"""HEIC (HEVC in a HEIF file): libheif with x265, as pillow-heif has it."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from neurocodec.codecs.by_pillow.heif import HeifCodec
from neurocodec.images import Image


class Heic(HeifCodec):
    """HEIC files; level is libheif's quality, 1 to 100.

    Args:
        chroma: "420", "444" or "422".
        keep_metadata: EXIF, ICC and XMP go into the file.
    """

    name = "heic"
    extension = ".heic"
    brands = frozenset({b"heic", b"heix", b"heim", b"heis"})
    chromas = ("420", "444", "422")
    max_side = 16384
    pillow_format = "HEIF"

    @property
    def encoder(self) -> str:
        """Name and version: "pillow-heif 1.8.1 (x265)"."""
        return f"pillow-heif {version('pillow-heif')} (x265)"

    def options(self, image: Image, quality: int) -> Mapping[str, Any]:
        """The arguments of Pillow's `save`."""
        return {"quality": quality, "chroma": self.chroma}
