"""The size in a JPEG XL file's header (ISO/IEC 18181-1, D.2): the plug-in decodes to tell it."""

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_BITS = (9, 13, 18, 30)
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_PART_NUMBER = 4  # bytes of a partial codestream box before its part


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height as coded, before any turning; None for what has no such header."""
    stream = _codestream(data)
    if stream is None or len(stream) < 12:
        return None
    bits = _Bits(int.from_bytes(stream[2:12], "little"))
    if bits.take(1):
        height = 8 * (bits.take(5) + 1)
        ratio = bits.take(3)
        return (_by_ratio(height, ratio) if ratio else 8 * (bits.take(5) + 1)), height
    height = bits.take(_BITS[bits.take(2)]) + 1
    ratio = bits.take(3)
    return (_by_ratio(height, ratio) if ratio else bits.take(_BITS[bits.take(2)]) + 1), height


def _by_ratio(height: int, ratio: int) -> int:
    across, down = _RATIOS[ratio]
    return height * across // down


def _codestream(data: bytes) -> bytes | None:
    """The beginning of the codestream."""
    if data.startswith(CODESTREAM):
        return data[:12]
    at = 0
    while data.startswith(CONTAINER) and at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        head = 16 if length == 1 else 8
        if kind in {b"jxlc", b"jxlp"}:
            begin = at + head + (_PART_NUMBER if kind == b"jxlp" else 0)
            return data[begin : begin + 12]
        length = int.from_bytes(data[at + 8 : at + 16], "big") if length == 1 else length
        if length < head:
            return None
        at += length
    return None


class _Bits:
    """Bits of a whole number, the lowest first."""

    def __init__(self, number: int) -> None:
        self._number = number

    def take(self, count: int) -> int:
        taken = self._number & ((1 << count) - 1)
        self._number >>= count
        return taken
