"""The file of a learned codec: a header, then the parts of its payload, each with a checksum.

A checksum covers all bytes before it, so that a file of whole parts is sound however many follow.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from neurocodec.codecs.level import UNITS, Level
from neurocodec.errors import BadInputError

_VERSION = 2
KEY_BYTES = 16
# Magic number, version, key of the weights, width, height, unit and value of the level, parts.
_HEADER = struct.Struct(f">4sB{KEY_BYTES}sIIBHB")
_LENGTH = struct.Struct(">I")
_CRC = struct.Struct(">I")


@dataclass(frozen=True)
class Stream:
    """The fields of a file, and its payload.

    Attributes:
        key: the first KEY_BYTES of the sha256 of the weights that coded it.
        width: of the picture in pixels.
        height: likewise.
        level: at which it was coded.
        parts: what the network's entropy coder wrote; of a cut file those that are whole.
        count: of the parts that were written.
    """

    key: bytes
    width: int
    height: int
    level: Level
    parts: Sequence[bytes]
    count: int


def write(magic: bytes, stream: Stream) -> bytes:
    """The file of a codec whose files begin with `magic`, 4 bytes."""
    unit = UNITS.index(stream.level.unit)
    size = stream.width, stream.height
    fields = (magic, _VERSION, stream.key, *size, unit, stream.level.value, stream.count)
    data = _checked(_HEADER.pack(*fields))
    for part in stream.parts:
        data = _checked(data + _LENGTH.pack(len(part)) + part)
    return data


def read(magic: bytes, data: bytes) -> Stream:
    """Parse and verify a file; one that is cut after its header has fewer parts than its count.

    Raises:
        BadInputError: not a file of that codec, cut in its header, damaged, or of another version.
    """
    start = _HEADER.size + _CRC.size
    if not data.startswith(magic) or len(data) < start:
        raise BadInputError("not a file of this codec, or truncated in its header")
    _, version, key, width, height, unit, value, count = _HEADER.unpack_from(data)
    if version != _VERSION:
        raise BadInputError(
            f"the file is of version {version}: it needs another version of neurocodec"
        )
    _check(data, start)
    if unit >= len(UNITS):
        raise BadInputError(f"the file has a level of unknown unit {unit}")
    if not width * height:
        raise BadInputError(f"the file says {width}×{height}, which is no picture")
    parts = tuple(_parts(data, start, count))
    return Stream(key, width, height, Level(UNITS[unit], value), parts, count)


def _parts(data: bytes, start: int, count: int) -> list[bytes]:
    """The whole parts from `start` on."""
    parts: list[bytes] = []
    while len(parts) < count and start + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, start)
        begin = start + _LENGTH.size
        start = begin + length + _CRC.size
        if start > len(data):
            return parts
        _check(data, start)
        parts.append(data[begin : start - _CRC.size])
    if len(parts) == count and start < len(data):
        raise BadInputError("the file is damaged: it goes on after its end")
    return parts


def _checked(data: bytes) -> bytes:
    return data + _CRC.pack(zlib.crc32(data))


def _check(data: bytes, end: int) -> None:
    """Compare the checksum that ends there with what stands before it."""
    if _CRC.unpack_from(data, end - _CRC.size) != (zlib.crc32(data[: end - _CRC.size]),):
        raise BadInputError("the file is damaged: a checksum does not match")
