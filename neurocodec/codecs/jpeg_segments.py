"""A JPEG file as marker segments: what its header says, and metadata put into it.

Names and marker codes are those of ITU-T T.81 (ISO/IEC 10918-1), Annex B.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from neurocodec.errors import BadInputError, UsageError

SOI = b"\xff\xd8"
_EOI, _SOS, _DQT = 0xD9, 0xDA, 0xDB
_APP0, _APP1, _APP2 = 0xE0, 0xE1, 0xE2
_WITHOUT_PAYLOAD = {0x01, *range(0xD0, 0xD8)}
# The start-of-frame markers, but 0xC4, 0xC8 and 0xCC, which begin no frame.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_CHROMAS = {
    (1, 1): "444",
    (2, 1): "422",
    (2, 2): "420",
    (1, 2): "440",
    (4, 1): "411",
    (4, 2): "410",
}
_METADATA = {
    "exif": (_APP1, b"Exif\0\0"),
    "xmp": (_APP1, b"http://ns.adobe.com/xap/1.0/\0"),
    "icc": (_APP2, b"ICC_PROFILE\0"),
}
_MAX_PAYLOAD = 65533
_MAX_SCANS = 500
_MAX_PARTS = 255

# A marker inside entropy-coded data: 0xFF that neither a stuffed zero, a restart nor fill follows.
_END_OF_SCAN = re.compile(rb"\xff(?![\x00\xff\xd0-\xd7])")

# Tables K.1 and K.2, in raster order.
_LUMA_STEPS = (
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA_STEPS = (
    *(17, 18, 24, 47, 99, 99, 99, 99),
    *(18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99),
    *(47, 66, 99, 99, 99, 99, 99, 99),
    *(99,) * 32,
)


@dataclass
class Header:
    """The fields in the segments of a JPEG file.

    Attributes:
        process: "sequential", "progressive", "lossless": how the frame is coded.
        bit_depth: of a sample.
        width: in pixels.
        height: in pixels.
        components: of each, its horizontal and vertical sampling factor and its table's number.
        steps: quantisation steps by table number, 64 in zigzag order.
        scans: how many there are.
        metadata: the kinds of metadata that are there.
    """

    process: str = ""
    bit_depth: int = 0
    width: int = 0
    height: int = 0
    components: Sequence[tuple[int, int, int]] = ()
    steps: dict[int, tuple[int, ...]] = field(default_factory=dict)
    scans: int = 0
    metadata: list[str] = field(default_factory=list)

    @property
    def chroma(self) -> str:
        """The subsampling, "400" for one component; "h×v" where it has no usual name."""
        if len(self.components) == 1:
            return "400"
        (h, v, _), (chroma_h, chroma_v, _) = self.components[:2]
        return _CHROMAS.get((h // chroma_h, v // chroma_v), f"{h}×{v}:{chroma_h}×{chroma_v}")

    @property
    def quality(self) -> int | None:
        """The quality, 1..100, whose tables these are exactly, by libjpeg's scale; else None."""
        tables = [self.steps.get(number, ()) for _, _, number in self.components[:2]]
        for quality in range(100, 0, -1):
            if all(a == b for a, b in zip(tables, _tables(quality), strict=False)):
                return quality
        return None


def read_header(data: bytes) -> Header:
    """Read the header of `data`, and walk through all of it to its end marker.

    Raises:
        BadInputError: not a JPEG file, truncated, or with segments that make no sense.
    """
    header = Header()
    try:
        for marker, payload in _segments(data):
            _take(header, marker, payload)
    except (IndexError, ZeroDivisionError):
        raise BadInputError("the .jpg is damaged: one of its segments is too short") from None
    if not header.process or not header.scans:
        raise BadInputError("the .jpg is damaged: there is no picture in it")
    return header


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


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    if not data.startswith(SOI):
        raise BadInputError("not a .jpg: it does not begin as one")
    position = len(SOI)
    while True:
        marker, position = _marker(data, position)
        if marker == _EOI:
            return
        if marker in _WITHOUT_PAYLOAD:
            continue
        end = position + int.from_bytes(data[position : position + 2])
        if end > len(data) or len(data) < position + 2:
            raise _truncated()
        yield marker, data[position + 2 : end]
        position = max(end, position + 2)
        if marker == _SOS:
            position = _end_of_scan(data, position)


def _marker(data: bytes, position: int) -> tuple[int, int]:
    """The marker at `position`, behind fill bytes if there are, and where it ends."""
    if data[position : position + 1] not in {b"\xff", b""}:
        raise BadInputError("the .jpg is damaged: there are stray bytes between its segments")
    while data[position : position + 1] == b"\xff":
        position += 1
    if position >= len(data):
        raise _truncated()
    return data[position], position + 1


def _end_of_scan(data: bytes, position: int) -> int:
    end = _END_OF_SCAN.search(data, position)
    if end is None:
        raise _truncated()
    return end.start()


def _truncated() -> BadInputError:
    return BadInputError("the .jpg is truncated: get the whole file")


def _take(header: Header, marker: int, payload: bytes) -> None:
    if marker in _FRAMES:
        _take_frame(header, marker, payload)
    elif marker == _DQT:
        header.steps.update(_tables_in(payload))
    elif marker == _SOS:
        header.scans += 1
        if header.scans > _MAX_SCANS:
            raise BadInputError(f"the .jpg has more than {_MAX_SCANS} scans: it is no picture")
    for kind, (of_kind, prefix) in _METADATA.items():
        if marker == of_kind and payload.startswith(prefix) and kind not in header.metadata:
            header.metadata.append(kind)


def _take_frame(header: Header, marker: int, payload: bytes) -> None:
    if header.process:
        raise BadInputError("the .jpg is hierarchical: no common decoder reads that")
    kind = ("sequential", "sequential", "progressive", "lossless")[marker & 3]
    header.process = f"arithmetic {kind}" if marker >= 0xC8 else kind
    header.bit_depth = payload[0]
    header.height = int.from_bytes(payload[1:3])
    header.width = int.from_bytes(payload[3:5])
    triples = [payload[6 + 3 * i : 9 + 3 * i] for i in range(payload[5])]
    header.components = [(p[1] >> 4, p[1] & 15, p[2]) for p in triples]
    factors = [factor for h, v, _ in header.components for factor in (h, v)]
    if not (header.width and header.height and factors and all(factors)):
        raise BadInputError("the .jpg is damaged: its frame header makes no sense")


def _tables_in(payload: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
    position = 0
    while position < len(payload):
        number, size = payload[position] & 15, 1 + (payload[position] >> 4)
        step_bytes = payload[position + 1 : position + 1 + 64 * size]
        steps = (int.from_bytes(step_bytes[i : i + size]) for i in range(0, 64 * size, size))
        yield number, tuple(steps)
        position += 1 + 64 * size


@lru_cache
def standard_steps(quality: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """libjpeg's luma and chroma tables of a quality (jcparam.c), 64 values each in raster order."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    luma, chroma = (
        tuple(min(max((step * percent + 50) // 100, 1), 255) for step in table)
        for table in (_LUMA_STEPS, _CHROMA_STEPS)
    )
    return luma, chroma


@lru_cache
def _tables(quality: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The same in zigzag order, as a file has them."""
    luma, chroma = (tuple(steps[i] for i in _zigzag()) for steps in standard_steps(quality))
    return luma, chroma


@lru_cache
def _zigzag() -> tuple[int, ...]:
    """Raster indices in zigzag order (Figure A.6): by diagonals, of alternate direction."""

    def key(index: int) -> tuple[int, int]:
        row, column = divmod(index, 8)
        diagonal = row + column
        return diagonal, row if diagonal % 2 else column

    return tuple(sorted(range(64), key=key))


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
