"""TIFF files of more than 8 bits a sample, as files of 8 bits that Pillow opens."""

import io
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from PIL.ExifTags import Base as Tag
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from neurocodec.errors import BadInputError
from neurocodec.images.depth import scaled

MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BIG = 43  # in the header of a BigTIFF, which is longer
_COPIED = (
    *(Tag.ImageWidth, Tag.ImageLength, Tag.Orientation, Tag.SamplesPerPixel),
    *(Tag.ExtraSamples, Tag.XMLPacket, Tag.InterColorProfile),
)
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1
_UNCOMPRESSED, _DEFLATED, _SEPARATE_PLANES, _DIFFERENCES = 1, {8, 32946}, 2, 2
_UNSIGNED, _FLOAT = {1, 4}, 3
_DAMAGED = "the TIFF is damaged (its strips do not fit its size)"
_SAMPLES = range(1, 7)  # of a pixel, in Pillow too


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
    depths, forms = set(fields.get(Tag.BitsPerSample, (1,))), fields.get(Tag.SampleFormat, ())
    depth = max(depths)
    if depth <= 8 or _FLOAT in forms:
        return data
    if fields.next:
        raise BadInputError("has more than one frame: extract the one that is meant")
    unsigned = len(depths) == 1 and depth <= 16 and _UNSIGNED.issuperset(forms)
    if unsigned and _is_packed_plainly(fields, depth):
        check_size(fields[Tag.ImageWidth], fields[Tag.ImageLength])
        return _rewritten(fields, scaled(_samples(fields, data, depth), (1 << depth) - 1))
    separate = fields.get(Tag.PlanarConfiguration, 1) == _SEPARATE_PLANES
    inverted = fields.get(Tag.PhotometricInterpretation) == _WHITE_IS_ZERO
    if depths == {32} and fields.get(Tag.SamplesPerPixel, 1) == 1 and not inverted:
        return data
    if not unsigned or depth < 16 or separate or inverted:  # not right in Pillow
        raise BadInputError(
            f"a TIFF of {fields.get(Tag.SamplesPerPixel, 1)} samples of {depth} bits in a form "
            "that is not read here: convert it to 8 bits a sample"
        )
    return data


def _is_packed_plainly(fields: ImageFileDirectory_v2, depth: int) -> bool:
    return (
        Tag.StripOffsets in fields
        and fields.get(Tag.Compression, _UNCOMPRESSED) in {_UNCOMPRESSED, *_DEFLATED}
        and fields.get(Tag.Predictor, 1) in ({1, _DIFFERENCES} if depth == 16 else {1})
        and fields.get(Tag.FillOrder, 1) == 1
        and fields.get(Tag.SamplesPerPixel, 1) in _SAMPLES
    )


def _is_deflated(fields: ImageFileDirectory_v2) -> bool:
    return fields.get(Tag.Compression, _UNCOMPRESSED) in _DEFLATED


def _samples(fields: ImageFileDirectory_v2, data: bytes, depth: int) -> npt.NDArray[np.uint16]:
    """Unpack the samples, (H, W, N): each row begins on a byte, the high bit first below 16."""
    width, height = fields[Tag.ImageWidth], fields[Tag.ImageLength]
    count = fields.get(Tag.SamplesPerPixel, 1)
    separate = fields.get(Tag.PlanarConfiguration, 1) == _SEPARATE_PLANES
    rows, columns = (height * count, width) if separate else (height, width * count)
    row_bytes = -(-columns * depth // 8)
    strips = b"".join(_strips(fields, data, row_bytes, planes=rows // height))
    packed = np.frombuffer(strips, np.uint8).reshape(rows, row_bytes)
    if depth == 16:
        values = packed.view("<u2" if fields.prefix == b"II" else ">u2")
    else:
        bits = (np.unpackbits(row, count=columns * depth).reshape(-1, depth) for row in packed)
        weights = 1 << np.arange(depth - 1, -1, -1, dtype=np.uint16)
        values = np.stack([row @ weights for row in bits])
    if separate:
        values = values.reshape(count, height, width).transpose(1, 2, 0)
    values = values.reshape(height, width, count)
    if _is_deflated(fields) and fields.get(Tag.Predictor) == _DIFFERENCES:
        values = np.cumsum(values, axis=1, dtype=np.uint16)
    return values


def _strips(
    fields: ImageFileDirectory_v2, data: bytes, row_bytes: int, planes: int
) -> Iterator[memoryview | bytes]:
    """The rows of each strip; a plane's last strip may be filled up with more, which are left out.

    Raises:
        BadInputError: too few or too many strips, or one that is too short or too long.
    """
    height = fields[Tag.ImageLength]
    strip_rows = min(fields.get(Tag.RowsPerStrip, height), height)
    starts, sizes = fields[Tag.StripOffsets], fields[Tag.StripByteCounts]
    per_plane = -(-height // strip_rows)
    deflated = _is_deflated(fields)
    overlapping = deflated and sum(sizes) > len(data)
    if not len(starts) == len(sizes) == per_plane * planes or overlapping:
        raise BadInputError(_DAMAGED)
    for number, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        strip: memoryview | bytes = memoryview(data)[start : start + size]
        if deflated:
            strip = _inflated(strip, strip_rows * row_bytes)
        needed = min(strip_rows, height - number % per_plane * strip_rows) * row_bytes
        if len(strip) < needed:
            raise BadInputError(_DAMAGED)
        yield strip[:needed]


def _inflated(strip: memoryview | bytes, most: int) -> bytes:
    inflater = zlib.decompressobj()
    content = inflater.decompress(strip, most + 1)
    if len(content) > most or not inflater.eof:
        raise BadInputError(_DAMAGED)
    return content


def _rewritten(fields: ImageFileDirectory_v2, pixels: npt.NDArray[np.uint8]) -> bytes:
    photometric = fields.get(Tag.PhotometricInterpretation, _BLACK_IS_ZERO)
    if photometric == _WHITE_IS_ZERO:
        pixels[..., 0] = 255 - pixels[..., 0]
        photometric = _BLACK_IS_ZERO
    plain = ImageFileDirectory_v2()
    plain.update({tag: fields[tag] for tag in _COPIED if tag in fields})
    plain[Tag.BitsPerSample], plain[Tag.Compression] = (8,) * pixels.shape[2], _UNCOMPRESSED
    plain[Tag.PhotometricInterpretation], plain[Tag.StripOffsets] = photometric, 0
    plain[Tag.RowsPerStrip], plain[Tag.StripByteCounts] = len(pixels), pixels.nbytes
    stream = io.BytesIO()
    plain.save(stream)
    return stream.getvalue() + pixels.tobytes()
