"""TIFF files of more than 8 bits a sample, as files of 8 bits that Pillow opens."""

import io
import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from neurocodec.errors import BadInputError
from neurocodec.images.depth import scaled

MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BIG = 43  # in the header of a BigTIFF, which is longer
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_OFFSETS, _ORIENTATION, _SAMPLES, _ROWS, _COUNTS, _PLANAR = 273, 274, 277, 278, 279, 284
_PREDICTOR, _EXTRA, _SAMPLE_FORMAT, _XMP, _ICC = 317, 338, 339, 700, 34675
_KEPT = (_WIDTH, _HEIGHT, _ORIENTATION, _SAMPLES, _EXTRA, _XMP, _ICC)
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1
_UNCOMPRESSED, _DEFLATED, _SEPARATE_PLANES, _DIFFERENCES = 1, {8, 32946}, 2, 2
_UNSIGNED, _FLOAT = {1, 4}, 3

Samples = npt.NDArray[np.uint16]


def at_8_bits(data: bytes, check_size: Callable[[int, int], None]) -> bytes:
    """Rewrite a file of 9 to 16 bits a sample as one of 8; return others as they are.

    Pillow leaves the samples of some deep files unscaled or inverted, and does not open the rest.

    Args:
        data: the whole TIFF.
        check_size: raises where a width and a height are too large.

    Raises:
        BadInputError: its samples are of a form that is not read here.
    """
    fields = ImageFileDirectory_v2(data[: 16 if _BIG in data[2:4] else 8])
    stream = io.BytesIO(data)
    stream.seek(fields.next)
    fields.load(stream)
    if max(fields.get(_BITS, (1,))) <= 8 or _FLOAT in fields.get(_SAMPLE_FORMAT, ()):
        return data
    if fields.next:
        raise BadInputError("has more than one frame: extract the one that is meant")
    if _is_packed_plainly(fields):
        check_size(fields[_WIDTH], fields[_HEIGHT])
        return _rewritten(fields, _samples(fields, data))
    if not _is_right_in_pillow(fields):
        raise BadInputError(
            f"a TIFF of {fields.get(_SAMPLES, 1)} samples of {max(fields[_BITS])} bits in a form "
            "that is not read here: convert it to 8 bits a sample"
        )
    return data


def _has_unsigned_samples(fields: ImageFileDirectory_v2) -> bool:
    one_depth = len(set(fields[_BITS])) == 1 and fields[_BITS][0] <= 16
    return one_depth and _UNSIGNED.issuperset(fields.get(_SAMPLE_FORMAT, ()))


def _is_packed_plainly(fields: ImageFileDirectory_v2) -> bool:
    predictor, deep = fields.get(_PREDICTOR, 1), fields[_BITS][0] == 16
    return (
        _has_unsigned_samples(fields)
        and _OFFSETS in fields
        and fields.get(_COMPRESSION, _UNCOMPRESSED) in {_UNCOMPRESSED, *_DEFLATED}
        and (predictor == 1 or (predictor == _DIFFERENCES and deep))
        and fields.get(_FILL_ORDER, 1) == 1
    )


def _is_right_in_pillow(fields: ImageFileDirectory_v2) -> bool:
    return (
        _has_unsigned_samples(fields)
        and fields[_BITS][0] == 16
        and fields.get(_PLANAR, 1) != _SEPARATE_PLANES
        and fields.get(_PHOTOMETRIC) != _WHITE_IS_ZERO
    )


def _samples(fields: ImageFileDirectory_v2, data: bytes) -> Samples:
    """Unpack the samples, (H, W, N)."""
    width, height, count = fields[_WIDTH], fields[_HEIGHT], fields.get(_SAMPLES, 1)
    strips = [
        data[start : start + size]
        for start, size in zip(fields[_OFFSETS], fields[_COUNTS], strict=True)
    ]
    if fields.get(_COMPRESSION, _UNCOMPRESSED) in _DEFLATED:
        strips = [zlib.decompress(strip) for strip in strips]
    separate = fields.get(_PLANAR, 1) == _SEPARATE_PLANES
    rows, columns = (height * count, width) if separate else (height, width * count)
    values = _unpacked(b"".join(strips), rows, columns, fields)
    if separate:
        values = values.reshape(count, height, width).transpose(1, 2, 0)
    values = values.reshape(height, width, count)
    if fields.get(_PREDICTOR, 1) == _DIFFERENCES:
        values = np.cumsum(values, axis=1, dtype=np.uint16)
    return values


def _unpacked(data: bytes, rows: int, columns: int, fields: ImageFileDirectory_v2) -> Samples:
    """Unpack rows of samples, each of which begins on a byte; below 16 bits the high bit first."""
    depth = fields[_BITS][0]
    row_bytes = -(-columns * depth // 8)
    packed = np.frombuffer(data, np.uint8, rows * row_bytes).reshape(rows, row_bytes)
    if depth == 16:
        return packed.view("<u2" if fields.prefix == b"II" else ">u2").astype(np.uint16)
    values = np.empty((rows, columns), np.uint16)
    weights = 1 << np.arange(depth - 1, -1, -1)
    for row, target in zip(packed, values, strict=True):
        bits = np.unpackbits(row, count=columns * depth).reshape(columns, depth)
        target[:] = bits @ weights
    return values


def _rewritten(fields: ImageFileDirectory_v2, samples: Samples) -> bytes:
    height, _width, count = samples.shape
    pixels = scaled(samples, (1 << fields[_BITS][0]) - 1)
    photometric = fields.get(_PHOTOMETRIC, _BLACK_IS_ZERO)
    if photometric == _WHITE_IS_ZERO:
        pixels[..., 0] = 255 - pixels[..., 0]
        photometric = _BLACK_IS_ZERO
    plain = ImageFileDirectory_v2()
    for tag in _KEPT:
        if tag in fields:
            plain[tag] = fields[tag]
            plain.tagtype[tag] = fields.tagtype[tag]
    plain[_BITS], plain[_COMPRESSION], plain[_PHOTOMETRIC] = (
        (8,) * count,
        _UNCOMPRESSED,
        photometric,
    )
    plain[_OFFSETS], plain[_ROWS], plain[_COUNTS] = 0, height, pixels.nbytes
    stream = io.BytesIO()
    plain.save(stream)
    stream.write(pixels.tobytes())
    return stream.getvalue()
