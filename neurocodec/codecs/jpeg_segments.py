"""A JPEG file as marker segments: what its header says, and metadata put into it.

Names and marker codes are those of ITU-T T.81 (ISO/IEC 10918-1), Annex B.
"""

import io
from collections.abc import Mapping
from functools import lru_cache

import PIL.Image
from PIL.JpegImagePlugin import JpegImageFile

from neurocodec.codecs.planes.layout import chroma_name
from neurocodec.errors import BadInputError, UsageError

SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_APP0, _APP1, _APP2 = 0xE0, 0xE1, 0xE2
_METADATA = {
    "exif": (_APP1, b"Exif\0\0"),
    "xmp": (_APP1, b"http://ns.adobe.com/xap/1.0/\0"),
    "icc": (_APP2, b"ICC_PROFILE\0"),
}
_MAX_PAYLOAD = 65533
_MAX_PARTS = 255
Tables = tuple[tuple[int, ...], tuple[int, ...]]


def read_header(data: bytes) -> JpegImageFile:
    """Open `data` as far as its first scan.

    Raises:
        BadInputError: not a JPEG file, truncated, or damaged in its header.
    """
    stream = io.BytesIO(data)
    try:
        header = JpegImageFile(stream)
    except Exception as exc:  # Pillow's readers raise anything at all on a damaged file
        raise BadInputError(f"not a .jpg, or damaged in its header ({exc})") from exc
    if not header.layer or len(header.layer) != header.layers:
        raise BadInputError("the .jpg is damaged in its header: components are missing")
    if data.find(_EOI, stream.tell()) < 0:
        raise BadInputError("the .jpg is truncated: get the whole file")
    return header


def chroma(header: JpegImageFile) -> str:
    """The subsampling, "400" for one component; "h×v" where it has no usual name."""
    if header.layers == 1:
        return "400"
    (_, h, v, _), (_, chroma_h, chroma_v, _) = header.layer[:2]
    return chroma_name(h // max(chroma_h, 1), v // max(chroma_v, 1))


def quality(header: JpegImageFile) -> int | None:
    """The quality, 1..100, whose tables these are exactly, by libjpeg's scale; else None."""
    tables = tuple(tuple(header.quantization.get(layer[3], ())) for layer in header.layer[:2])
    return next((q for q in range(100, 0, -1) if standard_steps(q)[: len(tables)] == tables), None)


@lru_cache
def standard_steps(quality: int) -> Tables:
    """libjpeg's luma and chroma tables of a quality (jcparam.c), 64 values each in raster order."""
    stream = io.BytesIO()
    PIL.Image.new("RGB", (1, 1)).save(stream, "JPEG", quality=quality)
    stream.seek(0)
    luma, chroma = JpegImageFile(stream).quantization.values()
    return tuple(luma), tuple(chroma)


def metadata(header: JpegImageFile) -> list[str]:
    """The kinds of metadata in the file: "exif", "icc" and "xmp"."""
    keys = {"exif": "exif", "icc": "icc_profile", "xmp": "xmp"}
    return [kind for kind, key in keys.items() if header.info.get(key)]


def with_metadata(data: bytes, metadata: Mapping[str, bytes]) -> bytes:
    """The file with "exif", "xmp" and "icc" in segments behind its JFIF header.

    Raises:
        UsageError: EXIF or XMP is too long for its one segment, ICC for its 255.
    """
    segments = [
        _segment(*_METADATA[kind], part)
        for kind, content in metadata.items()
        for part in (_icc_parts(content) if kind == "icc" else [content])
    ]
    start = len(SOI)
    if data[start + 1] == _APP0:
        start += 2 + int.from_bytes(data[start + 2 : start + 4])
    return data[:start] + b"".join(segments) + data[start:]


def _icc_parts(profile: bytes) -> list[bytes]:
    """The profile in numbered parts, as its specification wants (ICC.1:2010, B.4)."""
    size = _MAX_PAYLOAD - len(_METADATA["icc"][1]) - 2
    parts = [profile[i : i + size] for i in range(0, len(profile), size)]
    if len(parts) > _MAX_PARTS:
        raise _too_long("ICC profile", profile)
    return [bytes([i, len(parts)]) + part for i, part in enumerate(parts, start=1)]


def _segment(marker: int, prefix: bytes, content: bytes) -> bytes:
    payload = prefix + content
    if len(payload) > _MAX_PAYLOAD:
        raise _too_long("EXIF or XMP", content)
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2) + payload


def _too_long(what: str, content: bytes) -> UsageError:
    return UsageError(
        f"{what} of {len(content)} bytes is more than a .jpg can carry: leave out --keep-metadata"
    )
