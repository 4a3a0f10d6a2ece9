"""The headers of AVIF and HEIC files, which are boxes of ISO/IEC 14496-12 and 23008-12."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from neurocodec.errors import BadInputError

Box = tuple[bytes, bytes]
Property = Box

_CHROMAS = {0: "400", 1: "420", 2: "422", 3: "444"}  # HEVC's chroma_format_idc
_LARGEST_ITEMS = 1 << 12


@dataclass(frozen=True)
class Header:
    """The header of a file of one picture.

    Attributes:
        brands: of the file, the major one first.
        width: in pixels, as shown.
        height: in pixels, as shown.
        chroma: of the coded picture.
        bit_depth: of its samples.
        metadata: which of "exif", "icc" and "xmp" it has.
    """

    brands: Sequence[bytes]
    width: int
    height: int
    chroma: str
    bit_depth: int
    metadata: Sequence[str]


def brands(data: bytes) -> list[bytes]:
    """The brands of a file that begins with `data`; none of another format."""
    if data[4:8] != b"ftyp" or len(data) < 16:
        return []
    size = min(int.from_bytes(data[:4], "big"), len(data))
    return [data[8:12], *(data[at : at + 4] for at in range(16, size - 3, 4))]


def read(data: bytes, name: str) -> Header:
    """Read the header of `data`, whose boxes must be complete.

    Args:
        data: the file.
        name: what messages call it.

    Raises:
        BadInputError: truncated, damaged in its header, or without a still picture.
    """
    try:
        return _header(data)
    except (struct.error, IndexError, KeyError, StopIteration, ArithmeticError, ValueError) as exc:
        raise BadInputError(f"{name} is damaged in its header ({exc!r})") from exc
    except BadInputError as exc:
        raise BadInputError(f"{name} {exc}") from exc


def _header(data: bytes) -> Header:
    top = dict(_boxes(data))
    meta = dict(_boxes(top[b"meta"][4:]))
    if b"mdat" not in top and b"idat" not in meta:
        raise BadInputError("is truncated: it has no coded picture")
    primary = _item_id(meta[b"pitm"])
    groups = dict(_boxes(meta[b"iprp"]))
    properties = list(_boxes(groups[b"ipco"]))
    own = [properties[place - 1] for place in _associated(groups[b"ipma"], primary) if place]
    (width, height), *_ = (
        *(_cropped(content) for kind, content in own if kind == b"clap"),
        *(_size(content) for kind, content in own if kind == b"ispe"),
    )
    turns = sum(content[0] & 3 for kind, content in own if kind == b"irot")
    # Of a picture of tiles they are properties of the tiles.
    coding = next(one for one in [*own, *properties] if one[0] in {b"av1C", b"hvcC"})
    chroma, bit_depth = _coding(coding)
    size = (height, width) if turns % 2 else (width, height)
    kinds = _metadata(meta.get(b"iinf", b""), own)
    return Header(brands(data), *size, chroma, bit_depth, kinds)


def _boxes(data: bytes) -> Iterator[Box]:
    """The boxes one after the other, each complete."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif size == 0:
            size = len(data) - at
        if size < head or at + size > len(data):
            raise BadInputError("is truncated, or damaged in its header: get the whole file")
        yield kind, data[at + head : at + size]
        at += size


def _item_id(pitm: bytes) -> int:
    length = 2 if pitm[0] == 0 else 4
    return int.from_bytes(pitm[4 : 4 + length], "big")


def _associated(ipma: bytes, item: int) -> list[int]:
    """The places of an item's properties, from 1."""
    version, flags = ipma[0], ipma[3]
    (count,) = struct.unpack_from(">I", ipma, 4)
    at = 8
    for _ in range(min(count, _LARGEST_ITEMS)):
        length = 2 if version == 0 else 4
        found = int.from_bytes(ipma[at : at + length], "big")
        places, at = ipma[at + length], at + length + 1
        width = 2 if flags & 1 else 1
        ends = range(at, at + places * width, width)
        if found == item:
            mask = 0x7FFF if width == 2 else 0x7F
            return [int.from_bytes(ipma[end : end + width], "big") & mask for end in ends]
        at += places * width
    raise BadInputError("is damaged: its picture has no properties")


def _size(ispe: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", ispe, 4)
    return width, height


def _cropped(clap: bytes) -> tuple[int, int]:
    across, across_part, down, down_part = struct.unpack_from(">4I", clap)
    return across // across_part, down // down_part


def _coding(one: Property) -> tuple[str, int]:
    """Chroma subsampling and bit depth that a decoder's configuration tells."""
    kind, content = one
    if kind == b"hvcC":
        return _CHROMAS[content[16] & 3], (content[17] & 7) + 8
    bits = content[2]
    deep, deeper, gray, across, down = (bits >> place & 1 for place in (6, 5, 4, 3, 2))
    depth = 12 if deep and deeper else 10 if deep else 8
    chroma = "400" if gray else {(1, 1): "420", (1, 0): "422"}.get((across, down), "444")
    return chroma, depth


def _metadata(iinf: bytes, own: Sequence[Property]) -> list[str]:
    kinds = {"icc": any(kind == b"colr" and c[:4] in {b"prof", b"rICC"} for kind, c in own)}
    kinds |= {"exif": b"Exif" in iinf, "xmp": b"application/rdf+xml" in iinf}
    return sorted(kind for kind, present in kinds.items() if present)


def fields(header: Header) -> dict[str, Any]:
    """The header as `Codec.inspect` tells it."""
    return {
        "width": header.width,
        "height": header.height,
        "chroma": header.chroma,
        "bit_depth": header.bit_depth,
        "metadata": list(header.metadata),
    }
