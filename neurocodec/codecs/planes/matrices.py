"""Colour spaces as integer matrices with rounding, the numbers exactly as libbpg has them.

From RGB to samples of d bits the sums have 31 - d fractional bits; back to RGB of d bits, 30 - d.
"""

from dataclasses import dataclass
from functools import lru_cache

from neurocodec.codecs.planes.layout import Layout

_LUMA_WEIGHTS = {  # of red and of blue
    "ycbcr": (0.299, 0.114),
    "ycbcr_bt709": (0.2126, 0.0722),
    "ycbcr_bt2020": (0.2627, 0.0593),
}


@dataclass(frozen=True)
class Conversion:
    """target = clip(((matrix · source + add) >> shift) + after, 0, maximum)."""

    matrix: tuple[tuple[int, ...], ...]
    add: tuple[int, ...]
    after: tuple[int, ...]
    shift: int
    maximum: int

    def fits_32_bits(self, largest: int) -> bool:
        """Tell whether every sum over samples up to `largest` fits; a partial one may wrap."""
        return all(
            add + largest * sum(max(weight, 0) for weight in row) < 2**31
            and add + largest * sum(min(weight, 0) for weight in row) >= -(2**31)
            for row, add in zip(self.matrix, self.add, strict=True)
        )


@lru_cache
def into_planes(layout: Layout, rgb_depth: int = 8) -> Conversion:
    """The conversion from R, G, B (or gray) to the planes at full size."""
    depth = layout.bit_depth
    shift = 31 - depth
    white = (1 << rgb_depth) - 1
    luma, colour = (levels * 2**shift / white for levels in _levels(layout))
    half = 1 << (shift - 1)
    black = half + (16 << (shift + depth - 8) if layout.limited_range else 0)
    maximum = (1 << depth) - 1
    one = round(luma)
    if layout.chroma == "gray":
        return Conversion(((one,),), (black,), (0,), shift, maximum)
    if layout.color_space == "rgb":
        to_gbr = ((0, one, 0), (0, 0, one), (one, 0, 0))
        return Conversion(to_gbr, (black,) * 3, (0,) * 3, shift, maximum)
    matrix = _ycgco(luma) if layout.color_space == "ycgco" else _ycc(layout, luma, colour)
    centre = 1 << (depth - 1)
    return Conversion(matrix, (black, half, half), (0, centre, centre), shift, maximum)


@lru_cache
def from_planes(layout: Layout, rgb_depth: int = 8) -> Conversion:
    """The conversion from the planes at full size to R, G, B (or gray)."""
    depth, shift, white = layout.bit_depth, 30 - rgb_depth, (1 << rgb_depth) - 1
    luma, colour = (white * 2**shift / levels for levels in _levels(layout))
    one = round(luma)
    black = (1 << (shift - 1)) - (16 << (depth - 8)) * one * layout.limited_range
    if layout.chroma == "gray":
        return Conversion(((one,),), (black,), (0,), shift, white)
    if layout.color_space == "rgb":
        from_gbr = ((0, 0, one), (one, 0, 0), (0, one, 0))
        return Conversion(from_gbr, (black,) * 3, (0,) * 3, shift, white)
    back = ((one, -one, one), (one, one, 0), (one, -one, -one))
    matrix = back if layout.color_space == "ycgco" else _ycc_back(layout, one, colour)
    centre = 1 << (depth - 1)
    add = tuple(black - centre * (row[1] + row[2]) for row in matrix)
    return Conversion(matrix, add, (0,) * 3, shift, white)


def _levels(layout: Layout) -> tuple[int, int]:
    """The steps of luma and of chroma between their ends."""
    if layout.limited_range:
        return 219 << (layout.bit_depth - 8), 224 << (layout.bit_depth - 8)
    return ((1 << layout.bit_depth) - 1,) * 2


def _ycgco(luma: float) -> tuple[tuple[int, int, int], ...]:
    quarter, half = round(luma / 4), round(luma / 2)
    return (quarter, half, quarter), (-quarter, half, -quarter), (half, 0, -half)


def _ycc(layout: Layout, luma: float, colour: float) -> tuple[tuple[int, ...], ...]:
    red, blue = _LUMA_WEIGHTS[layout.color_space]
    green = 1 - red - blue
    to_y = (red, green, blue)
    to_cb = (-0.5 * red / (1 - blue), -0.5 * green / (1 - blue), 0.5)
    to_cr = (0.5, -0.5 * green / (1 - red), -0.5 * blue / (1 - red))
    scaled = ((to_y, luma), (to_cb, colour), (to_cr, colour))
    return tuple(tuple(round(weight * unit) for weight in row) for row, unit in scaled)


def _ycc_back(layout: Layout, one: int, colour: float) -> tuple[tuple[int, int, int], ...]:
    red, blue = _LUMA_WEIGHTS[layout.color_space]
    green = 1 - blue - red
    red_of_cr = round(2 * (1 - red) * colour)
    blue_of_cb = round(2 * (1 - blue) * colour)
    green_of_cb = round(2 * blue * (1 - blue) / green * colour)
    green_of_cr = round(2 * red * (1 - red) / green * colour)
    return (one, 0, red_of_cr), (one, -green_of_cb, -green_of_cr), (one, blue_of_cb, 0)
