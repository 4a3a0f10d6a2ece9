"""A JPEG 2000 file as boxes and marker segments: what its header says, and metadata put into it.

Names and codes are those of ITU-T T.800 (ISO/IEC 15444-1): Annex A for the codestream, Annex I
for the boxes of a .jp2 around it.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from neurocodec.errors import BadInputError
from neurocodec.images import MAX_PIXELS

JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
SOC_SIZ = b"\xff\x4f\xff\x51"
_SOT, _EOC, _SIZ = 0xFF90, 0xFFD9, 0xFF51
_SOT_BYTES = 12
_UUIDS = {
    "exif": b"JpgTiffExif->JP2",
    "xmp": bytes.fromhex("be7acfcb97a942e89c71999491e3afac"),
}
_COLR_ENUMERATED, _COLR_ICC = 1, 2
_CHROMAS = {(1, 1): "444", (2, 1): "422", (2, 2): "420", (1, 2): "440", (4, 1): "411"}


@dataclass(frozen=True)
class Header:
    """The fields of the main header of a codestream.

    Attributes:
        width: in pixels.
        height: in pixels.
        bit_depths: of the samples of each component.
        subsampling: of each component, horizontal and vertical.
        tiles: how many there are.
        metadata: "exif", "xmp" and "icc" as the boxes carry them.
    """

    width: int
    height: int
    bit_depths: Sequence[int]
    subsampling: Sequence[tuple[int, int]]
    tiles: int
    metadata: Mapping[str, bytes]

    @property
    def chroma(self) -> str:
        """The subsampling, "400" without colour; "h×v" where it has no usual name."""
        if len(self.subsampling) < 3:
            return "400"
        horizontal, vertical = self.subsampling[1]
        return _CHROMAS.get((horizontal, vertical), f"{horizontal}×{vertical}")


def read_header(data: bytes) -> Header:
    """Read the header of `data`, a .jp2 or a codestream that is complete to its end marker.

    Raises:
        BadInputError: not JPEG 2000, truncated, with parts that contradict each other, or with
            more than `images.MAX_PIXELS`.
    """
    try:
        if data.startswith(SOC_SIZ):
            return _read_codestream(data, 0, len(data), {})
        return _read_jp2(data)
    except (struct.error, IndexError):
        raise _truncated() from None
    except ZeroDivisionError:
        raise _damaged("its size segment makes no sense") from None


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


def _read_jp2(data: bytes) -> Header:
    if not data.startswith(JP2_SIGNATURE):
        raise BadInputError("not a .jp2 and not a JPEG 2000 codestream")
    size: tuple[int, int] | None = None
    metadata: dict[str, bytes] = {}
    header: Header | None = None
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind == b"jp2h":
            size = _read_jp2_header(data, start, end, metadata)
        elif kind == b"uuid":
            kinds = [k for k, uuid in _UUIDS.items() if data.startswith(uuid, start)]
            metadata.update(dict.fromkeys(kinds, data[start + 16 : end]))
        elif kind == b"jp2c" and header is None:
            header = _read_codestream(data, start, end, metadata)
    if header is None:
        raise _truncated()
    if (header.width, header.height) != size:
        raise _damaged("its two headers say different sizes")
    return header


def _read_jp2_header(
    data: bytes, position: int, stop: int, metadata: dict[str, bytes]
) -> tuple[int, int] | None:
    """Width and height of the image header box; a profile is added to `metadata`."""
    size = None
    for kind, start, end in _boxes(data, position, stop):
        if kind == b"ihdr":
            height, width = struct.unpack_from(">II", data, start)
            size = width, height
        elif kind == b"colr" and data[start] == _COLR_ICC:
            metadata["icc"] = data[start + 3 : end]
    return size


def _read_codestream(data: bytes, start: int, end: int, metadata: Mapping[str, bytes]) -> Header:
    if not data.startswith(SOC_SIZ, start):
        raise _damaged("its codestream does not begin as one")
    siz: tuple[int, ...] = ()
    position = start + 2
    while (marker := _marker(data, position)) != _SOT:
        (size,) = struct.unpack_from(">H", data, position + 2)
        payload = data[position + 4 : min(position + 2 + size, end)]
        if marker == _SIZ:
            siz = (*struct.unpack_from(">H8IH", payload), *payload[36:])
        position += 2 + max(size, 2)
    if not siz:
        raise _damaged("a segment of its header is missing")
    header = _header(siz, metadata)
    _walk_tile_parts(data, position, end, header.tiles)
    return header


def _marker(data: bytes, position: int) -> int:
    (marker,) = struct.unpack_from(">H", data, position)
    if marker >> 8 != 0xFF:
        raise _damaged("a marker segment does not end where it should")
    return int(marker)


def _header(siz: tuple[int, ...], metadata: Mapping[str, bytes]) -> Header:
    """From the fields of SIZ (A.5.1)."""
    _, x1, y1, x0, y0, tile_width, tile_height, tile_x0, tile_y0, count, *parts = siz
    if not (0 < (x1 - x0) * (y1 - y0) <= MAX_PIXELS and x1 > x0):
        raise _damaged(f"its size, {x1 - x0}×{y1 - y0}, is none or too large")
    if len(parts) != 3 * count or not count or 0 in parts[1::3] + parts[2::3]:
        raise _damaged("its components make no sense")
    columns = -(-(x1 - tile_x0) // tile_width)
    rows = -(-(y1 - tile_y0) // tile_height)
    return Header(
        width=x1 - x0,
        height=y1 - y0,
        bit_depths=[(part & 0x7F) + 1 for part in parts[0::3]],
        subsampling=list(zip(parts[1::3], parts[2::3], strict=True)),
        tiles=columns * rows,
        metadata=metadata,
    )


def _walk_tile_parts(data: bytes, position: int, end: int, tiles: int) -> None:
    """Raise unless every tile is there and the end marker follows the last of them (A.4.2)."""
    seen: set[int] = set()
    while (marker := _marker(data, position)) == _SOT:
        tile, size = struct.unpack_from(">HI", data, position + 4)
        seen.add(tile)
        if size == 0:
            position = end - 2
        elif size < _SOT_BYTES:
            raise _damaged("a tile-part is shorter than its own header")
        else:
            position += size
        if position + 2 > end:
            raise _truncated()
    if marker != _EOC:
        raise _damaged("a tile-part does not end where it should")
    if len(seen) != tiles or max(seen) >= tiles:
        raise _damaged(f"it has {len(seen)} of its {tiles} tiles")


def _truncated() -> BadInputError:
    return BadInputError("the .jp2 is truncated: get the whole file")


def _damaged(why: str) -> BadInputError:
    return BadInputError(f"the .jp2 is damaged ({why}): get the file again")
