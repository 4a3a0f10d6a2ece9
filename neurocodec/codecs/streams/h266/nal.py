"""NAL units of H.266 in Annex-B form: taken apart and put together."""

from collections.abc import Sequence
from dataclasses import dataclass

from neurocodec.codecs.streams.bits import escape
from neurocodec.errors import BadInputError

HEADER_BYTES = 2
# H.266, table 5. Slices are 0 to 11.
LAST_SLICE = 11
VPS, SPS, PPS, PREFIX_APS, SUFFIX_APS, PICTURE_HEADER = 14, 15, 16, 17, 18, 19
END_OF_BITSTREAM = 22
PREFIX_SEI = 23
# What a stream may begin with; besides: operating point, capabilities, access unit delimiter.
_FIRST = {12, 13, VPS, SPS, PPS, PREFIX_APS, PICTURE_HEADER, 20, PREFIX_SEI}
_PARAMETER_SETS = {12, 13, VPS, SPS, PPS, PREFIX_APS, SUFFIX_APS}
_START = b"\0\0\1"


@dataclass(frozen=True)
class Nal:
    """A NAL unit: its type, and all its bytes, the header included."""

    type: int
    data: bytes


def header(nal_type: int) -> bytes:
    """The two bytes that a NAL unit of the base layer begins with."""
    return bytes([0, nal_type << 3 | 1])


def make(nal_type: int, payload: bytes) -> Nal:
    """The NAL unit of a raw byte sequence payload, emulation prevention added."""
    return Nal(nal_type, header(nal_type) + escape(payload))


def recognises(data: bytes) -> bool:
    """Tell whether `data` begins as a stream of H.266 does, and not as one of H.265 or H.264.

    A NAL unit's first byte is the number of the layer here, 0 in a base layer. In the older
    formats it is the type, which is not 0 at the beginning of a stream.
    """
    start = data.find(_START)
    if start < 0 or data[:start].strip(b"\0"):
        return False
    head = data[start + len(_START) : start + len(_START) + HEADER_BYTES]
    return head in {header(nal_type) for nal_type in _FIRST}


def split(stream: bytes) -> list[Nal]:
    """The NAL units of a stream.

    Raises:
        BadInputError: no stream of H.266, or one that is damaged or has more than one layer.
    """
    if not recognises(stream):
        raise BadInputError("not a .266: it does not begin with a NAL unit of H.266")
    return [_nal(unit.rstrip(b"\0")) for unit in stream.split(_START)[1:]]


def join(nals: Sequence[Nal]) -> bytes:
    """The stream of `nals`, with the long start code where clause B.2 wants it."""
    stream = bytearray()
    for index, nal in enumerate(nals):
        if index == 0 or nal.type in _PARAMETER_SETS:
            stream.append(0)
        stream += _START + nal.data
    return bytes(stream)


def _nal(data: bytes) -> Nal:
    if len(data) < HEADER_BYTES or data[0] & 0xC0 or not data[1] & 7:
        raise BadInputError("the .266 is damaged (a NAL unit has no proper header)")
    if data[0]:
        raise BadInputError("the .266 is coded in layers: only a stream of one layer can be read")
    return Nal(data[1] >> 3, data)
