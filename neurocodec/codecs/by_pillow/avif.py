"""AVIF (AV1 in a HEIF file): libavif, as Pillow has it."""

from collections.abc import Mapping
from typing import Any

import PIL.features

from neurocodec.codecs.by_pillow import isobmff
from neurocodec.codecs.by_pillow.codec import PillowCodec, pillow_version
from neurocodec.codecs.codec import check_setting
from neurocodec.errors import BadInputError
from neurocodec.images import Image

_SPEEDS = range(11)
_SUBSAMPLINGS = {"420": "4:2:0", "422": "4:2:2", "444": "4:4:4"}
_BRANDS = {b"avif", b"avis"}


class Avif(PillowCodec):
    """AVIF files; level is libavif's quality, 1 to 100. Gray pictures have no chroma.

    Args:
        chroma: "420", "444" or "422".
        keep_metadata: EXIF, ICC and XMP go into the file.
        speed: libavif's, 0 to 10: lower ones are smaller and slower.
    """

    name = "avif"
    extension = ".avif"
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

    def inspect(self, data: bytes) -> dict[str, Any]:
        """Size, chroma, bit depth and metadata; a quality is not in the stream.

        Raises:
            BadInputError: not AVIF, truncated, or damaged in its header.
        """
        if not self.recognises(data):
            raise BadInputError("not an .avif")
        return isobmff.fields(isobmff.read(data, "the .avif"))

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Tell whether `data` begins as a file of the brand avif."""
        return not _BRANDS.isdisjoint(isobmff.brands(data))
