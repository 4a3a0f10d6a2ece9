"""The base class of the codecs that Pillow or a plug-in of it writes."""

import io
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import PIL.Image

from neurocodec import images
from neurocodec.codecs.codec import Codec
from neurocodec.errors import BadInputError, ToolError
from neurocodec.images import Image

_ICC, _EXIF, _XMP = "icc_profile", "exif", "xmp"


class PillowCodec(Codec):
    """A codec through Pillow; level is its library's quality.

    A subclass says how Pillow writes its files, and reads their headers.

    Attributes:
        pillow_format: Pillow's name of the format.
    """

    unit = "quality"
    levels = range(1, 101)
    carries_alpha = True
    carries_metadata = True
    pillow_format: ClassVar[str]

    @abstractmethod
    def options(self, image: Image, quality: int) -> Mapping[str, Any]:
        """The arguments of Pillow's `save` beside the metadata."""

    def _encode(self, image: Image, value: int) -> bytes:
        images.know_plugins()
        metadata = self._metadata(image)
        named = {_EXIF: "exif", _ICC: "icc", _XMP: "xmp"}
        kept = {name: metadata[kind] for name, kind in named.items() if kind in metadata}
        buffer = io.BytesIO()
        picture = images.to_pillow(self._prepared(image))
        try:
            picture.save(buffer, self.pillow_format, **self.options(image, value), **kept)
        except (OSError, ValueError, RuntimeError) as exc:
            raise ToolError(f"{self.encoder} failed: {exc}") from exc
        return buffer.getvalue()

    def _prepared(self, image: Image) -> Image:
        """The picture as Pillow is given it."""
        return image

    def decode(self, data: bytes) -> Image:
        """Decode the picture in `data`, upright and in sRGB.

        Raises:
            BadInputError: not a file of this format, truncated, damaged, or an animation.
        """
        header = self.inspect(data)
        image = images.read(data, f"the {self.extension}")
        if (image.width, image.height) != (header["width"], header["height"]):
            size = f"{image.width}×{image.height}, not {header['width']}×{header['height']}"
            raise BadInputError(f"the {self.extension} is damaged: its picture is {size}")
        return image


def pillow_version(library: str, version: str | None) -> str:
    """Pillow's version with a library's: "Pillow 13.0.0 (libwebp 1.6.0)"."""
    return f"Pillow {PIL.__version__} ({library} {version})"
