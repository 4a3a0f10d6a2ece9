"""JPEG 2000 (ITU-T T.800): OpenJPEG, as `opj_compress` where found, else as Pillow has it.

Files are .jp2 with one tile and one layer: irreversible 9/7 wavelets, the irreversible colour
transform, code blocks of 64×64, progression LRCP. Both ways write the same bytes.
"""

import io
import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL
import PIL.features

from neurocodec import images
from neurocodec.codecs import jpeg2000_boxes, libav
from neurocodec.codecs.codec import Codec
from neurocodec.codecs.programs import opj_compress
from neurocodec.errors import BadInputError
from neurocodec.images import Image
from neurocodec.tools import lookup

_MAX_RESOLUTIONS = 6
# Said in place of OpenJPEG's own 37 bytes with its version, which are 0.006 bpp at 224×224.
_COMMENT = "."
_TOLERANCE_DB = 3
_REACHED_DB = 45
_EVERYTHING = 0
_STRIP_ROWS = 256
_DEEP_FORMATS = {"gray16le", "rgb48le", "rgba64le"}


class Jpeg2000(Codec):
    """JPEG 2000 files; level is the PSNR that OpenJPEG aims at, in dB over all components.

    From 20 to 60: below, many pictures end up in the same few bytes. On photographs the PSNR is
    within half a dB of the level up to 40, and stops at 51 dB while the bits go on. OpenJPEG
    misses its aim by up to 30 dB on flat and on tiny pictures; there it is asked for more until
    the level is met. Without alpha: the irreversible transform would damage a mask. Gray
    pictures have one component.
    """

    name = "jpeg2000"
    extension = ".jp2"
    unit = "quality"
    levels = range(20, 61)
    chromas = ("444",)
    carries_metadata = True
    tools = (opj_compress.OPJ_COMPRESS,)

    @property
    def encoder(self) -> str:
        """Name and version: "opj_compress 2.5.0" or "Pillow 13.0.0 (OpenJPEG 2.5.4)"."""
        if program := lookup(opj_compress.OPJ_COMPRESS):
            return f"opj_compress {program.version}"
        return f"Pillow {PIL.__version__} (OpenJPEG {PIL.features.version('jpg_2000')})"

    def _encode(self, image: Image, value: int) -> bytes:
        return jpeg2000_boxes.with_metadata(self._aim(image, value), self._metadata(image))

    def _aim(self, image: Image, level: int) -> bytes:
        """The first try whose PSNR is not far below `level`, or else everything there is."""
        wanted_db = min(level - _TOLERANCE_DB, _REACHED_DB)
        for aim_db in (level, level + 4, level + 8, level + 16):
            data = self._try(image, aim_db)
            decoded = images.read(data, "the .jp2 just made", image.width * image.height)
            if _psnr_db(decoded, image) >= wanted_db:
                return data
        return self._try(image, _EVERYTHING)

    def _try(self, image: Image, aim_db: int) -> bytes:
        if program := lookup(opj_compress.OPJ_COMPRESS):
            return opj_compress.encode(program, image, aim_db, _resolutions(image), _COMMENT)
        return _by_pillow(image, aim_db)

    def decode(self, data: bytes) -> Image:
        """Decode a .jp2 or a bare codestream, brought to 8 bits.

        An ICC profile is not applied but handed on as metadata.

        Raises:
            BadInputError: not JPEG 2000, truncated, damaged, or of a kind without a decoder.
        """
        header = jpeg2000_boxes.read_header(data)
        depth = max(header.bit_depths)
        image = _decode_deep(data, depth) if depth > 8 else images.read(data, "the .jp2")
        if (image.width, image.height) != (header.width, header.height):
            raise BadInputError("the .jp2 is damaged: its picture is not of the size it says")
        return replace(image, metadata=header.metadata)

    def inspect(self, data: bytes) -> dict[str, Any]:
        """Container, size, chroma, components, bit depth and metadata.

        A quality is not in the stream.

        Raises:
            BadInputError: not JPEG 2000, truncated, or damaged in its header.
        """
        header = jpeg2000_boxes.read_header(data)
        return {
            "container": "jp2" if data.startswith(jpeg2000_boxes.JP2_SIGNATURE) else "j2k",
            "width": header.width,
            "height": header.height,
            "chroma": header.chroma,
            "components": len(header.bit_depths),
            "bit_depth": max(header.bit_depths),
            "metadata": sorted(header.metadata),
        }

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Tell whether `data` begins with the signature box of a .jp2, or as a bare codestream."""
        return data.startswith((jpeg2000_boxes.JP2_SIGNATURE, jpeg2000_boxes.SOC_SIZ))


def _psnr_db(a: Image, b: Image) -> float:
    """The PSNR over all samples, in dB."""
    squares = 0
    for top in range(0, a.height, _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        difference = a.pixels[rows].astype(np.int32) - b.pixels[rows]
        squares += int(np.square(difference).sum(dtype=np.int64))
    return 10 * math.log10(255**2 * a.pixels.size / squares) if squares else math.inf


def _resolutions(image: Image) -> int:
    """The number of resolutions: the smallest must have at least one sample a side."""
    return min(_MAX_RESOLUTIONS, min(image.width, image.height).bit_length())


def _by_pillow(image: Image, aim_db: int) -> bytes:
    buffer = io.BytesIO()
    images.to_pillow(image).save(
        buffer,
        "JPEG2000",
        irreversible=True,
        quality_mode="dB",
        quality_layers=[aim_db],
        num_resolutions=_resolutions(image),
        codeblock_size=(64, 64),
        progression="LRCP",
        mct=0 if image.gray else 1,
        comment=_COMMENT,
    )
    return buffer.getvalue()


def _decode_deep(data: bytes, depth: int) -> Image:
    """A picture with samples of more than 8 bits, by ffmpeg's own decoder.

    Pillow rounds such samples up and lets white wrap round to black.
    """
    frame = libav.decode_frame("jpeg2000", data)
    if frame.format.name not in _DEEP_FORMATS:
        raise BadInputError(f"the .jp2 has {depth}-bit samples that are not RGB: convert it")
    return _narrowed(frame.to_ndarray(), depth)


def _narrowed(samples: npt.NDArray[np.uint16], depth: int) -> Image:
    """The picture of 8 bits, from samples that ffmpeg has put into the high bits of 16."""
    peak = (1 << depth) - 1
    values = np.atleast_3d(samples).astype(np.uint32) >> (16 - depth)
    narrow = ((values * 510 + peak) // (2 * peak)).astype(np.uint8)
    alpha = narrow[..., 3].copy() if narrow[..., 3:].min(initial=255) < 255 else None
    colour = np.broadcast_to(narrow[..., :3], (*narrow.shape[:2], 3))
    return Image(np.ascontiguousarray(colour), alpha, gray=narrow.shape[2] == 1)
