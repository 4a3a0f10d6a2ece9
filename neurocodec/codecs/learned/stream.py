"""The file of a learned codec: one header before the payload, and a checksum over all of it."""

import struct
import zlib
from dataclasses import dataclass

from neurocodec.codecs.level import Level
from neurocodec.errors import BadInputError

_VERSION = 1
_UNITS = ("qp", "quality", "iterations")
KEY_BYTES = 16
# Magic number, version, key of the weights, width, height, unit and value of the level.
_HEADER = struct.Struct(f">4sB{KEY_BYTES}sIIBH")
_CRC = struct.Struct(">I")


@dataclass(frozen=True)
class Stream:
    """The fields of a file, and its payload.

    Attributes:
        key: the first KEY_BYTES of the sha256 of the weights that coded it.
        width: of the picture in pixels.
        height: likewise.
        level: at which it was coded.
        payload: what the network's entropy coder wrote.
    """

    key: bytes
    width: int
    height: int
    level: Level
    payload: bytes


def write(magic: bytes, stream: Stream) -> bytes:
    """The file of a codec whose files begin with `magic`, 4 bytes."""
    unit = _UNITS.index(stream.level.unit)
    size = stream.width, stream.height
    header = _HEADER.pack(magic, _VERSION, stream.key, *size, unit, stream.level.value)
    return header + _CRC.pack(_checksum(header, stream.payload)) + stream.payload


def read(magic: bytes, data: bytes) -> Stream:
    """Parse and verify a file.

    Raises:
        BadInputError: not a file of that codec, cut, damaged, or of another version.
    """
    start = _HEADER.size + _CRC.size
    if not data.startswith(magic) or len(data) < start:
        raise BadInputError("not a file of this codec, or truncated in its header")
    header, payload = data[: _HEADER.size], data[start:]
    _, version, key, width, height, unit, value = _HEADER.unpack(header)
    if version != _VERSION:
        raise BadInputError(
            f"the file is of version {version}: it needs another version of neurocodec"
        )
    if _CRC.unpack_from(data, _HEADER.size) != (_checksum(header, payload),):
        raise BadInputError("the file is truncated or damaged")
    if unit >= len(_UNITS):
        raise BadInputError(f"the file has a level of unknown unit {unit}")
    if not width * height:
        raise BadInputError(f"the file says {width}×{height}, which is no picture")
    return Stream(key, width, height, Level(_UNITS[unit], value), payload)


def _checksum(header: bytes, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(header))
