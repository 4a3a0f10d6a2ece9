"""WebP (RFC 9649): libwebp, as Pillow has it."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import PIL.features

from neurocodec.codecs.by_pillow.codec import PillowCodec, pillow_version
from neurocodec.codecs.codec import check_setting
from neurocodec.errors import BadInputError
from neurocodec.images import Image

_METHODS = range(7)
_LOSSY_START = b"\x9d\x01\x2a"
_LOSSLESS_SIGNATURE = 0x2F
_ANIMATED = 0x02
_METADATA = {b"EXIF": "exif", b"ICCP": "icc", b"XMP ": "xmp"}


class Webp(PillowCodec):
    """WebP files, lossy; level is libwebp's quality, 1 to 100. Alpha is coded without loss.

    Args:
        chroma: "420", the only one of the lossy format.
        keep_metadata: EXIF, ICC and XMP go into the file.
        method: libwebp's, 0 to 6: higher ones are smaller and slower.
    """

    name = "webp"
    extension = ".webp"
    chromas = ("420",)
    max_side = 16383
    pillow_format = "WEBP"

    def __init__(
        self, chroma: str | None = None, keep_metadata: bool = False, method: int = 4
    ) -> None:
        super().__init__(chroma, keep_metadata)
        check_setting(self.name, "method", method, _METHODS)
        self._method = method

    @property
    def encoder(self) -> str:
        """Name and version: "Pillow 13.0.0 (libwebp 1.6.0)"."""
        return pillow_version("libwebp", PIL.features.version("webp"))

    def options(self, image: Image, quality: int) -> Mapping[str, Any]:
        """The arguments of Pillow's `save`."""
        return {"quality": quality, "method": self._method, "alpha_quality": 100}

    def decode(self, data: bytes) -> Image:
        """Decode the picture in `data`; one without colour but for rounding is gray.

        Raises:
            BadInputError: not a .webp, truncated, damaged, or an animation.
        """
        image = super().decode(data)
        low, high = image.pixels.min(2), image.pixels.max(2)
        if not (high - low <= 1).all():
            return image
        # The format has no gray; libwebp's conversion leaves neutral chroma a level of colour.
        return replace(image, pixels=image.pixels[..., [1, 1, 1]].copy(), gray=True)

    def inspect(self, data: bytes) -> dict[str, Any]:
        """Size, chroma, whether it is lossless, and metadata; a quality is not in the stream.

        Raises:
            BadInputError: not WebP, truncated, damaged in its header, or an animation.
        """
        if not self.recognises(data):
            raise BadInputError("not a .webp")
        try:
            return self._inspect(dict(_chunks(data)))
        except (struct.error, IndexError) as exc:
            raise BadInputError(f"the .webp is damaged in its header ({exc})") from exc

    def _inspect(self, chunks: Mapping[bytes, bytes]) -> dict[str, Any]:
        lossless = b"VP8L" in chunks
        coded = chunks.get(b"VP8L" if lossless else b"VP8 ", b"")
        extended = chunks.get(b"VP8X")
        if extended is not None and extended[0] & _ANIMATED:
            raise BadInputError("the .webp is an animation: extract the frame that is meant")
        width, height = _lossless_size(coded) if lossless else _lossy_size(coded)
        return {
            "width": width,
            "height": height,
            "chroma": "444" if lossless else "420",
            "lossless": lossless,
            "metadata": sorted(_METADATA[name] for name in chunks.keys() & _METADATA.keys()),
        }

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Tell whether `data` begins as a RIFF file of the form WEBP."""
        return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks by name, each complete."""
    (size,) = struct.unpack_from("<I", data, 4)
    if size + 8 > len(data) or size < 4:
        raise BadInputError("the .webp is truncated: get the whole file")
    at, end = 12, size + 8
    while at < end:
        name, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > end:
            raise BadInputError("the .webp is truncated: get the whole file")
        yield name, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _lossy_size(frame: bytes) -> tuple[int, int]:
    """Width and height in the header of a VP8 key frame (RFC 6386, 9.1)."""
    if frame[0] & 1 or frame[3:6] != _LOSSY_START:
        raise BadInputError("the .webp is damaged: it has no key frame")
    width, height = struct.unpack_from("<HH", frame, 6)
    return width & 0x3FFF, height & 0x3FFF


def _lossless_size(stream: bytes) -> tuple[int, int]:
    """Width and height in the header of a VP8L stream (RFC 9649, 3.4)."""
    signature, bits = struct.unpack_from("<BI", stream)
    if signature != _LOSSLESS_SIGNATURE:
        raise BadInputError("the .webp is damaged: it has no picture")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
