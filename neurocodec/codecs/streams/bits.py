"""Bits, most significant first: the codes that headers and parameter sets are made of.

Bits to be written are text, "0110".
"""

import re

from neurocodec.errors import BadInputError

_UE_MAX_BITS = 32
_UE7_MAX = 2**32 - 1


class BitReader:
    """Reads codes one after another from `data`.

    Every method raises BadInputError where the data ends too early. `size` is in bits.
    """

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self.size = self._left = 8 * len(data)

    @property
    def position(self) -> int:
        """The number of bits read so far."""
        return self.size - self._left

    def bits(self, start: int, end: int | None = None) -> str:
        """The bits from `start` to before `end`, without it those read since: "0110"."""
        end = self.position if end is None else end
        value = self._value >> (self.size - end) & ((1 << (end - start)) - 1)
        return f"{value:0{end - start}b}" if end > start else ""

    def u(self, bits: int) -> int:
        """The next `bits` bits as an unsigned number, u(n) of H.265 clause 7.2."""
        if bits > self._left:
            raise BadInputError("the stream's header ends early")
        self._left -= bits
        return (self._value >> self._left) & ((1 << bits) - 1)

    def flag(self) -> bool:
        """The next bit."""
        return self.u(1) == 1

    def ue(self) -> int:
        """An unsigned Exp-Golomb code, ue(v) of H.265 clause 9.2."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > _UE_MAX_BITS:
                raise BadInputError("the stream's header is damaged")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """A signed Exp-Golomb code, se(v) of H.265 clause 9.2.2."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -code // 2


def ue(value: int) -> str:
    """The bits of an unsigned Exp-Golomb code: "1" for 0, "010" for 1."""
    return f"{value + 1:0{2 * (value + 1).bit_length() - 1}b}"


def to_bytes(bits: str) -> bytes:
    """The bits, zeros to the end of the last byte."""
    size = (len(bits) + 7) // 8
    return int(bits.ljust(8 * size, "0") or "0", 2).to_bytes(size)


def with_stop_bit(bits: str) -> bytes:
    """The bits as a raw byte sequence payload: a one, then zeros to the end of the last byte."""
    return to_bytes(bits + "1")


class ByteReader:
    """Reads whole bytes, and numbers in groups of 7 bits, one after another from `data`.

    Every method raises BadInputError where the data ends too early. `size` is in bits.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """The number of bytes still to come."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size > self.left:
            raise BadInputError(f"the file is truncated: {size - self.left} bytes are missing")
        self._at += size
        return self._data[self._at - size : self._at]

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def ue7(self) -> int:
        """A number of at most 32 bits; only its shortest form is legal."""
        value, byte = 0, 0x80
        while byte & 0x80:
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if (byte == 0x80 and not value) or value > _UE7_MAX:
                raise BadInputError("the .bpg header is damaged")
        return value

    def piece(self) -> bytes:
        """The bytes whose count stands before them."""
        return self.take(self.ue7())


def ue7(value: int) -> bytes:
    """`value` in groups of 7 bits, the high bit set on every byte but the last."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def escape(payload: bytes) -> bytes:
    """`payload` with emulation prevention bytes, as a NAL unit holds it (H.265 clause 7.4.2)."""
    return re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", payload)


def unescape(held: bytes) -> bytes:
    """The payload without its emulation prevention bytes."""
    return held.replace(b"\0\0\3", b"\0\0")
