"""The base class of the codecs whose files are HEIF: AVIF and HEIC."""

from typing import Any, ClassVar

from neurocodec.codecs.by_pillow import isobmff
from neurocodec.codecs.by_pillow.codec import PillowCodec
from neurocodec.errors import BadInputError


class HeifCodec(PillowCodec):
    """A codec whose files are boxes with brands of its own.

    Attributes:
        brands: of its files.
    """

    brands: ClassVar[frozenset[bytes]]

    def inspect(self, data: bytes) -> dict[str, Any]:
        """Size, chroma, bit depth and metadata; a quality is not in the stream.

        Raises:
            BadInputError: not this format, truncated, or damaged in its header.
        """
        if not self.recognises(data):
            raise BadInputError(f"not a {self.extension} file")
        return isobmff.fields(isobmff.read(data, f"the {self.extension}"))

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Tell whether `data` begins as a file of one of the brands."""
        return not cls.brands.isdisjoint(isobmff.brands(data))
