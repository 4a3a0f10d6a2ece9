"""A JPEG 2000 file as boxes and marker segments: what its header says, and metadata put into it.

Names and codes are those of ITU-T T.800 (ISO/IEC 15444-1): Annex A for the codestream, Annex I
for the boxes of a .jp2 around it.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from neurocodec.codecs.planes.layout import chroma_name
from neurocodec.errors import BadInputError
from neurocodec.images import most_pixels

JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
SOC_SIZ = b"\xff\x4f\xff\x51"
_EOC = b"\xff\xd9"
_UUIDS = {
    "exif": b"JpgTiffExif->JP2",
    "xmp": bytes.fromhex("be7acfcb97a942e89c71999491e3afac"),
}
_COLR_ICC = 2


@dataclass(frozen=True)
class Header:
    """The fields of the main header of a codestream.

    Attributes:
        width: in pixels.
        height: in pixels.
        bit_depths: of the samples of each component.
        subsampling: of each component, horizontal and vertical.
        metadata: "exif", "xmp" and "icc" as the boxes carry them.
    """

    width: int
    height: int
    bit_depths: Sequence[int]
    subsampling: Sequence[tuple[int, int]]
    metadata: Mapping[str, bytes]

    @property
    def chroma(self) -> str:
        """The subsampling, "400" without colour; "h×v" where it has no usual name."""
        return "400" if len(self.subsampling) < 3 else chroma_name(*self.subsampling[1])


def read_header(data: bytes) -> Header:
    """Read the header of `data`, a .jp2 or a codestream that is complete to its end marker.

    Raises:
        BadInputError: not JPEG 2000, truncated, damaged in its header, or with more than
            `images.most_pixels()`.
    """
    metadata: dict[str, bytes] = {}
    try:
        codestream = data if data.startswith(SOC_SIZ) else _take_boxes(data, metadata)
        if _EOC not in codestream:  # coded samples never look like a marker
            raise _truncated()
        return _header(codestream, metadata)
    except (struct.error, IndexError):
        raise _truncated() from None


def with_metadata(data: bytes, metadata: Mapping[str, bytes]) -> bytes:
    """The .jp2 with EXIF and XMP in UUID boxes before the codestream, and the ICC profile.

    The profile stands where the enumerated colour space stood.
    """
    written = []
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind == b"jp2c":
            written += [_box(b"uuid", _UUIDS[k] + metadata[k]) for k in _UUIDS if k in metadata]
        content = data[start:end]
        if kind == b"jp2h" and "icc" in metadata:
            content = _with_profile(content, metadata["icc"])
        written.append(_box(kind, content))
    return b"".join(written)


def _with_profile(header: bytes, profile: bytes) -> bytes:
    colour = bytes([_COLR_ICC, 0, 0]) + profile
    return b"".join(
        _box(kind, colour if kind == b"colr" else header[start:end])
        for kind, start, end in _boxes(header, 0, len(header))
    )


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _boxes(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The type of each box, and where its content begins and ends."""
    while position < end:
        size, kind = struct.unpack_from(">I4s", data, position)
        start = position + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        stop = end if size == 0 else position + size
        if stop > end:
            raise _truncated()
        if stop < start:
            raise _damaged("a box is shorter than its own header")
        yield kind, start, stop
        position = stop


def _take_boxes(data: bytes, metadata: dict[str, bytes]) -> bytes:
    """The codestream in a .jp2; what the boxes around it carry is added to `metadata`."""
    if not data.startswith(JP2_SIGNATURE):
        raise BadInputError("not a .jp2 and not a JPEG 2000 codestream")
    codestream = b""
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind == b"jp2h":
            for inner, first, last in _boxes(data, start, end):
                if inner == b"colr" and data[first] == _COLR_ICC:
                    metadata["icc"] = data[first + 3 : last]
        elif kind == b"uuid":
            kinds = [k for k, uuid in _UUIDS.items() if data.startswith(uuid, start)]
            metadata.update(dict.fromkeys(kinds, data[start + 16 : end]))
        elif kind == b"jp2c":
            codestream = codestream or data[start:end]
    return codestream


def _header(codestream: bytes, metadata: Mapping[str, bytes]) -> Header:
    """Read the header from the fields of SIZ (A.5.1), a codestream's first segment."""
    if not codestream.startswith(SOC_SIZ):
        raise _damaged("its codestream does not begin as one")
    x1, y1, x0, y0, *_, count = struct.unpack_from(">8IH", codestream, 8)
    parts = codestream[42 : 42 + 3 * count]
    if not (0 < (x1 - x0) * (y1 - y0) <= most_pixels() and x1 > x0):
        raise _damaged(f"its size, {x1 - x0}×{y1 - y0}, is none or too large")
    if not parts or 0 in parts[1::3] + parts[2::3]:
        raise _damaged("its components make no sense")
    return Header(
        width=x1 - x0,
        height=y1 - y0,
        bit_depths=[(part & 0x7F) + 1 for part in parts[0::3]],
        subsampling=list(zip(parts[1::3], parts[2::3], strict=True)),
        metadata=metadata,
    )


def _truncated() -> BadInputError:
    return BadInputError("the .jp2 is truncated: get the whole file")


def _damaged(why: str) -> BadInputError:
    return BadInputError(f"the .jp2 is damaged ({why})")
