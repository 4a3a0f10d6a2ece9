"""JPEG (ITU-T T.81): libjpeg-turbo or mozjpeg as `cjpeg` where found, else as Pillow has it.

Files are baseline with optimised Huffman tables: not progressive, so that every decoder reads
them. libjpeg-turbo's cjpeg and Pillow write the same bytes.
"""

import io
from typing import Any

import PIL
import PIL.features

from neurocodec import images
from neurocodec.codecs import jpeg_segments
from neurocodec.codecs.codec import Codec
from neurocodec.codecs.programs import cjpeg, djpeg
from neurocodec.images import Image
from neurocodec.tools import lookup

_MAGIC = jpeg_segments.SOI + b"\xff"
_PILLOW_SUBSAMPLING = {"420": 2, "422": 1, "444": 0}


class Jpeg(Codec):
    """JPEG files; level is libjpeg's quality.

    Without alpha. The chroma setting does not touch a gray picture: it has one component.
    """

    name = "jpeg"
    extension = ".jpg"
    unit = "quality"
    levels = range(1, 101)
    chromas = ("420", "444", "422")
    carries_metadata = True
    max_side = 65500
    tools = (cjpeg.CJPEG, djpeg.DJPEG)

    @property
    def encoder(self) -> str:
        """Name and version: "cjpeg (libjpeg-turbo 2.1.5)" or "Pillow 13.0.0 (…)"."""
        if program := lookup(cjpeg.CJPEG):
            return f"cjpeg ({program.version.replace('version ', '')})"
        return f"Pillow {PIL.__version__} (libjpeg-turbo {PIL.features.version('libjpeg_turbo')})"

    def _encode(self, image: Image, value: int) -> bytes:
        chroma = "444" if image.gray else self.chroma
        if program := lookup(cjpeg.CJPEG):
            data = cjpeg.encode(program, image, value, chroma)
        else:
            data = _by_pillow(image, value, chroma)
        return jpeg_segments.with_metadata(data, self._metadata(image))

    def decode(self, data: bytes) -> Image:
        """Decode the picture in `data`, upright and in sRGB, its gray or CMYK brought to RGB.

        The pixels are from Pillow. Where djpeg is there, it reads the stream too, since its
        warnings of corrupt data are the only ones to be had.

        Raises:
            BadInputError: not a JPEG file, truncated, damaged, or of a kind without a decoder.
        """
        header = jpeg_segments.read_header(data)
        image = images.read(data, "the .jpg")
        program = lookup(djpeg.DJPEG)
        if program and header.layers in {1, 3}:
            djpeg.refuse_corrupt(program, data, header.width * header.height)
        return image

    def inspect(self, data: bytes) -> dict[str, Any]:
        """Size, chroma, components, bit depth, coding process and metadata.

        "quality" too, where the quantisation tables are the standard ones, scaled.

        Raises:
            BadInputError: not a JPEG file, truncated, or damaged in its header.
        """
        header = jpeg_segments.read_header(data)
        fields: dict[str, Any] = {
            "width": header.width,
            "height": header.height,
            "chroma": jpeg_segments.chroma(header),
            "components": header.layers,
            "bit_depth": header.bits,
            "process": "progressive" if header.info.get("progressive") else "sequential",
            "metadata": jpeg_segments.metadata(header),
        }
        quality = jpeg_segments.quality(header)
        return fields if quality is None else {**fields, "quality": quality}

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Tell whether `data` begins with a start-of-image marker and another marker."""
        return data.startswith(_MAGIC)


def _by_pillow(image: Image, quality: int, chroma: str) -> bytes:
    buffer = io.BytesIO()
    images.to_pillow(image).save(
        buffer,
        "JPEG",
        **({"quality": quality} if image.jpeg_steps is None else {"qtables": image.jpeg_steps}),
        subsampling=_PILLOW_SUBSAMPLING[chroma],
        optimize=True,
        progressive=False,
    )
    return buffer.getvalue()
