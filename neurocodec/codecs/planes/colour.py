"""Pictures to the planes of a .bpg and back, sample for sample as libbpg converts them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neurocodec.codecs.planes import chroma
from neurocodec.codecs.planes.layout import Layout, Plane
from neurocodec.codecs.planes.matrices import Conversion, from_planes, into_planes

Samples = npt.NDArray[Any]


def to_planes(pixels: Samples, layout: Layout) -> list[Plane]:
    """The planes that an encoder takes for a picture.

    Args:
        pixels: (H, W, 3) uint8 or uint16; for a gray layout the first channel counts.
        layout: what the planes are to be.
    """
    conversion = into_planes(layout, 8 * pixels.itemsize)
    count = layout.plane_count
    planes: list[Plane] = [np.empty(pixels.shape[:2], layout.dtype) for _ in range(count)]
    _convert([pixels[..., channel] for channel in range(count)], planes, conversion)
    if layout.chroma in {"gray", "444"}:
        return planes
    return [planes[0], *(chroma.halve(plane, layout) for plane in planes[1:])]


def to_pixels(planes: Sequence[Plane], layout: Layout, rgb_depth: int = 8) -> Samples:
    """The picture that decoded planes stand for: (H, W, 3) uint8 or uint16.

    Args:
        planes: of the shapes that `Layout.plane_shape` says.
        layout: what they are.
        rgb_depth: 8 or 16 bits a sample.
    """
    height, width = planes[0].shape
    full = list(planes)
    if layout.chroma in {"420", "422"}:
        full[1:] = [chroma.double(plane, height, width, layout) for plane in full[1:]]
    if layout.chroma == "gray":
        return np.repeat(_to_gray(full[0], layout, rgb_depth)[..., None], 3, axis=2)
    pixels = np.empty((height, width, 3), f"u{rgb_depth // 8}")
    _convert(full, [pixels[..., channel] for channel in range(3)], from_planes(layout, rgb_depth))
    return pixels


def to_alpha_plane(alpha: Samples, bit_depth: int) -> Plane:
    """The plane of an alpha channel (H, W): gray of full range, whatever the colour's range."""
    return to_planes(alpha[..., None], Layout("gray", bit_depth))[0]


def to_alpha(plane: Plane, bit_depth: int, rgb_depth: int = 8) -> Samples:
    """The alpha channel (H, W) uint8 or uint16 that a decoded plane stands for."""
    return _to_gray(plane, Layout("gray", bit_depth), rgb_depth)


def divide_by_alpha(pixels: Samples, alpha: Samples) -> Samples:
    """Undo the premultiplication of colour (H, W, 3); white where alpha (H, W) is 0."""
    white = np.iinfo(pixels.dtype).max
    shift, more = (16, 128) if white == 255 else (15, 0)
    opacity = alpha[..., None].astype(np.int64)
    divisor = np.maximum(opacity, 1)
    inverse = ((int(white) << shift) + divisor // 2 + more) // divisor
    straight = (pixels * inverse + (1 << (shift - 1))) >> shift
    return np.where(pixels >= opacity, white, straight).astype(pixels.dtype)


def multiply_by_white(pixels: Samples, white: Plane, bit_depth: int) -> Samples:
    """RGB of a CMYK picture that is kept as (H, W, 3) and a W plane (H, W): their product."""
    product = pixels * white[..., None].astype(np.int64)
    return ((product + (1 << (bit_depth - 1))) >> bit_depth).astype(pixels.dtype)


def _to_gray(plane: Plane, layout: Layout, rgb_depth: int) -> Samples:
    gray = np.empty(plane.shape, f"u{rgb_depth // 8}")
    _convert([plane], [gray], from_planes(layout, rgb_depth))
    return gray


def _convert(sources: Sequence[Plane], targets: Sequence[Plane], conversion: Conversion) -> None:
    largest = max(int(source.max()) for source in sources)
    dtype = np.int32 if conversion.fits_32_bits(largest) else np.int64
    for first, last in chroma.bands(*sources[0].shape):
        band = [source[first:last].astype(dtype, order="C") for source in sources]
        for index, target in enumerate(targets):
            target[first:last] = _sum(band, conversion, index)


def _sum(band: Sequence[Plane], conversion: Conversion, index: int) -> Plane:
    total = np.full_like(band[0], conversion.add[index])
    product = np.empty_like(total)
    for source, weight in zip(band, conversion.matrix[index], strict=True):
        if weight:
            np.multiply(source, weight, out=product)
            total += product
    total >>= conversion.shift
    total += conversion.after[index]
    return np.clip(total, 0, conversion.maximum, out=total)
