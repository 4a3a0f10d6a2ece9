"""JPEG XL (ISO/IEC 18181): libjxl, as pillow-jxl-plugin has it."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from neurocodec.codecs.by_pillow.codec import PillowCodec
from neurocodec.codecs.codec import check_setting
from neurocodec.errors import BadInputError
from neurocodec.images import Image, jxl

_EFFORTS = range(1, 10)


class Jxl(PillowCodec):
    """JPEG XL files; level is libjxl's quality, 1 to 99, lossy.

    Args:
        chroma: "444".
        keep_metadata: EXIF and XMP go into the file.
        effort: libjxl's, 1 to 9: higher ones are smaller and slower.
    """

    name = "jxl"
    extension = ".jxl"
    levels = range(1, 100)  # 100 is lossless
    chromas = ("444",)
    pillow_format = "JXL"

    def __init__(
        self, chroma: str | None = None, keep_metadata: bool = False, effort: int = 7
    ) -> None:
        super().__init__(chroma, keep_metadata)
        check_setting(self.name, "effort", effort, _EFFORTS)
        self._effort = effort

    @property
    def encoder(self) -> str:
        """Name and version: "pillow-jxl-plugin 1.3.8 (libjxl)"."""
        return f"pillow-jxl-plugin {version('pillow-jxl-plugin')} (libjxl)"

    def options(self, image: Image, quality: int) -> Mapping[str, Any]:
        """The arguments of Pillow's `save`; one thread, as every core has a picture of its own."""
        return {"quality": quality, "effort": self._effort, "num_threads": 1}

    def _metadata(self, image: Image) -> dict[str, bytes]:
        """EXIF and XMP; before EXIF a JPEG XL box has an offset of four bytes."""
        kept = super()._metadata(image)
        offset = {"exif": bytes(4) + kept["exif"]} if "exif" in kept else {}
        return {kind: piece for kind, piece in {**kept, **offset}.items() if kind != "icc"}

    def inspect(self, data: bytes) -> dict[str, Any]:
        """Size and chroma; a quality is not in the stream.

        Raises:
            BadInputError: not JPEG XL, truncated, or damaged in its header.
        """
        if not self.recognises(data):
            raise BadInputError("not a .jxl")
        size = jxl.size(data)
        if size is None:
            raise BadInputError("the .jxl is truncated in its header")
        return {"width": size[0], "height": size[1], "chroma": "444"}

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Tell whether `data` begins as a codestream, or as the container of one."""
        return data.startswith((jxl.CODESTREAM, jxl.CONTAINER))
