"""PNG and TIFF files, byte by byte, as no library in use here writes them."""

import struct
import zlib
from collections.abc import Iterable, Sequence

import numpy as np

TIFF_TYPES = {3: "H", 4: "I", 7: "B"}


def packed(values: Iterable[int], depth: int) -> bytes:
    """Samples of `depth` bits one after another, the high bit first, filled up to a byte."""
    bits = "".join(format(int(value), f"0{depth}b") for value in values)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_file(
    rows: Sequence[Sequence[int]], depth: int, colour_type: int, *chunks: tuple[bytes, bytes]
) -> bytes:
    """A PNG of these samples; `chunks` come before the pixels."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    size = struct.pack(">II", len(rows[0]) // channels, len(rows))
    data = zlib.compress(b"".join(b"\0" + packed(row, depth) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, body)
        for kind, body in (
            (b"IHDR", size + bytes((depth, colour_type, 0, 0, 0))),
            *chunks,
            (b"IDAT", data),
            (b"IEND", b""),
        )
    )


def tiff_file(
    samples: np.ndarray,
    depth: int,
    photometric: int,
    *,
    order: str = "<",
    separate: bool = False,
    deflate: bool = False,
    strips: Sequence[bytes] = (),
    fields: dict[int, tuple[int, list[int]]] | None = None,
) -> bytes:
    """A TIFF of the samples (H, W, N), uncompressed unless `deflate`, one strip a plane.

    `strips` are deflated ones to have in place of these.
    """
    height, width, count = samples.shape
    planes = [samples[..., i : i + 1] for i in range(count)] if separate else [samples]
    packed_planes = []
    for plane in planes:
        rows = plane.reshape(height, -1)
        if depth == 16:
            packed_planes.append(rows.astype(order + "u2").tobytes())
        else:
            packed_planes.append(b"".join(packed(row, depth) for row in rows))
    deflate = deflate or bool(strips)
    strips = strips or [zlib.compress(plane) if deflate else plane for plane in packed_planes]
    entries = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [depth] * count),
        259: (3, [8 if deflate else 1]),
        262: (3, [photometric]),
        273: (4, [0] * len(strips)),
        277: (3, [count]),
        278: (4, [height]),
        279: (4, [len(strip) for strip in strips]),
        284: (3, [2 if separate else 1]),
    } | (fields or {})
    start = 8 + 2 + 12 * len(entries) + 4
    data = b""
    offsets = []
    for strip in strips:
        offsets.append(start + len(data))
        data += strip + b"\0" * (len(strip) % 2)
    entries[273] = 4, offsets
    table = struct.pack(order + "H", len(entries))
    for tag, (kind, values) in sorted(entries.items()):
        content = struct.pack(order + TIFF_TYPES[kind] * len(values), *values)
        if len(content) > 4:
            place = struct.pack(order + "I", start + len(data))
            data += content + b"\0" * (len(content) % 2)
        else:
            place = content.ljust(4, b"\0")
        table += struct.pack(order + "HHI", tag, kind, len(values)) + place
    head = b"II*\0" if order == "<" else b"MM\0*"
    return head + struct.pack(order + "I", 8) + table + b"\0" * 4 + data


def icc_profile(space: bytes, gamma: float) -> bytes:
    """A profile of one curve for "GRAY", or of sRGB's primaries and three curves for "RGB "."""

    def fixed(*numbers: float) -> bytes:
        return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)

    white = 0.9642, 1.0, 0.8249
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(82),
        b"wtpt": b"XYZ \0\0\0\0" + fixed(*white),
    }
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        corners = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
        for name, corner in zip((b"r", b"g", b"b"), corners, strict=True):
            tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + fixed(*corner)
            tags[name + b"TRC"] = curve
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        table += name + struct.pack(">II", at + len(body), len(content))
        body += padded
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"mntr", space, b"XYZ ")
    head = head.ljust(36, b"\0") + b"acsp" + bytes(28) + fixed(*white)
    return head.ljust(128, b"\0") + table + body
