"""JPEG (ITU-T T.81): libjpeg-turbo or mozjpeg as `cjpeg` where found, else as Pillow has it.

Files are baseline with optimised Huffman tables: not progressive, so that every decoder reads
them. libjpeg-turbo's cjpeg and Pillow write the same bytes.
"""

import io
from functools import cached_property
from typing import Any

import PIL
import PIL.features

from neurocodec import images
from neurocodec.codecs import jpeg_segments
from neurocodec.codecs.codec import Codec
from neurocodec.errors import BadInputError, ToolError, ToolTimeoutError
from neurocodec.images import Image
from neurocodec.tools import Program, Tool, lookup, run, time_limit_s

CJPEG = Tool(
    name="cjpeg",
    probe=("-version",),
    version_pattern=r"((?:libjpeg-turbo|mozjpeg) version [\w.]+)",
    install="apt-get install libjpeg-turbo-progs",
)
DJPEG = Tool(
    name="djpeg",
    probe=("-version",),
    version_pattern=r"((?:libjpeg-turbo|mozjpeg) version [\w.]+)",
    install="apt-get install libjpeg-turbo-progs",
)
_MAGIC = jpeg_segments.SOI + b"\xff"
_CJPEG_SAMPLING = {"420": "2x2", "422": "2x1", "444": "1x1"}
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
    tools = (CJPEG, DJPEG)

    @cached_property
    def _cjpeg(self) -> Program | None:
        return lookup(CJPEG)

    @cached_property
    def _djpeg(self) -> Program | None:
        return lookup(DJPEG)

    @property
    def encoder(self) -> str:
        """As in "cjpeg (libjpeg-turbo 2.1.5)" or "Pillow 13.0.0 (libjpeg-turbo 3.2.0)"."""
        if self._cjpeg:
            return f"cjpeg ({self._cjpeg.version.replace('version ', '')})"
        return f"Pillow {PIL.__version__} (libjpeg-turbo {PIL.features.version('libjpeg_turbo')})"

    def _encode(self, image: Image, value: int) -> bytes:
        chroma = "444" if image.gray else self.chroma
        if self._cjpeg:
            data = _by_cjpeg(self._cjpeg, image, value, chroma)
        else:
            data = _by_pillow(image, value, chroma)
        if not self.keep_metadata:
            return data
        # A profile is of three components: it does not fit a file that has one.
        kept = {k: v for k, v in image.metadata.items() if not (image.gray and k == "icc")}
        return jpeg_segments.with_metadata(data, kept)

    def decode(self, data: bytes) -> Image:
        """The picture in `data`, upright and in sRGB, its gray or CMYK brought to RGB.

        The pixels are from Pillow. Where djpeg is there, it reads the stream too, since its
        warnings of corrupt data are the only ones to be had.

        Raises:
            BadInputError: not a JPEG file, truncated, damaged, or of a kind without a decoder.
        """
        header = jpeg_segments.read_header(data)
        image = images.read(data, "the .jpg")
        if self._djpeg and len(header.components) in {1, 3}:
            _refuse_corrupt(self._djpeg, data, header.width * header.height)
        return image

    def inspect(self, data: bytes) -> dict[str, Any]:
        """Size, chroma, components, bit depth, coding process, metadata and quality.

        "quality" where the quantisation tables are the standard ones, scaled; elsewhere
        "nearest_quality", a guess.

        Raises:
            BadInputError: not a JPEG file, truncated, or damaged in its header.
        """
        header = jpeg_segments.read_header(data)
        said: dict[str, Any] = {
            "width": header.width,
            "height": header.height,
            "chroma": header.chroma,
            "components": len(header.components),
            "bit_depth": header.bit_depth,
            "process": header.process,
            "metadata": sorted(header.metadata),
        }
        kind = "nearest_quality" if header.quality is None else "quality"
        quality = getattr(header, kind)
        return said if quality is None else {**said, kind: quality}

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Whether `data` begins with a start-of-image marker and another marker."""
        return data.startswith(_MAGIC)


def _by_cjpeg(program: Program, image: Image, quality: int, chroma: str) -> bytes:
    arguments = ["-quality", str(quality), "-sample", _CJPEG_SAMPLING[chroma]]
    arguments += ["-optimize", "-baseline", "-dct", "int"]
    if program.version.startswith("mozjpeg"):
        # Its own default is another set of tables, by which a quality would mean something else.
        arguments += ["-quant-table", "0"]
    timeout_s = time_limit_s(image.width * image.height)
    return run(program, arguments, timeout_s=timeout_s, stdin=images.ppm(image))


def _by_pillow(image: Image, quality: int, chroma: str) -> bytes:
    buffer = io.BytesIO()
    images.to_pillow(image).save(
        buffer,
        "JPEG",
        quality=quality,
        subsampling=_PILLOW_SUBSAMPLING[chroma],
        optimize=True,
        progressive=False,
    )
    return buffer.getvalue()


def _refuse_corrupt(djpeg: Program, data: bytes, pixels: int) -> None:
    """Raise if libjpeg warns of anything, which djpeg's exit code tells.

    At an eighth of the size: that reads all the bits and skips the arithmetic.
    """
    try:
        run(
            djpeg,
            ["-scale", "1/8", "-pnm"],
            timeout_s=time_limit_s(pixels),
            stdin=data,
        )
    except ToolTimeoutError:
        raise
    except ToolError as exc:
        raise BadInputError(f"the .jpg is damaged: {exc}") from None
