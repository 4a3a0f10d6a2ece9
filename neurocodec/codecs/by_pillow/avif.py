"""AVIF (AV1 in a HEIF file): libavif, as Pillow has it."""

from collections.abc import Mapping
from typing import Any

import PIL.features

from neurocodec.codecs.by_pillow.codec import pillow_version
from neurocodec.codecs.by_pillow.heif import HeifCodec
from neurocodec.codecs.codec import check_setting
from neurocodec.images import Image

_SPEEDS = range(11)
_SUBSAMPLINGS = {"420": "4:2:0", "422": "4:2:2", "444": "4:4:4"}


class Avif(HeifCodec):
    """AVIF files; level is libavif's quality, 1 to 100. Gray pictures have no chroma.

    Args:
        chroma: "420", "444" or "422".
        keep_metadata: EXIF, ICC and XMP go into the file.
        speed: libavif's, 0 to 10: lower ones are smaller and slower.
    """

    name = "avif"
    extension = ".avif"
    brands = frozenset({b"avif", b"avis"})
    chromas = ("420", "444", "422")
    max_side = 65535
    pillow_format = "AVIF"

    def __init__(
        self, chroma: str | None = None, keep_metadata: bool = False, speed: int = 6
    ) -> None:
        super().__init__(chroma, keep_metadata)
        check_setting(self.name, "speed", speed, _SPEEDS)
        self._speed = speed

    @property
    def encoder(self) -> str:
        """Name and version: "Pillow 13.0.0 (libavif 1.4.2)"."""
        return pillow_version("libavif", PIL.features.version("avif"))

    def options(self, image: Image, quality: int) -> Mapping[str, Any]:
        """The arguments of Pillow's `save`; one thread, as every core has a picture of its own."""
        subsampling = "4:0:0" if image.gray else _SUBSAMPLINGS[self.chroma]
        return {
            "quality": quality,
            "speed": self._speed,
            "subsampling": subsampling,
            "max_threads": 1,
        }
