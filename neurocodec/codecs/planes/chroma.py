"""Chroma planes to half size and back, with the filters of libbpg.

A filter is a set of taps (offset, weight); the weights of one that halves sum to 128, of one that
doubles to 64. Where both directions are filtered, the plane between them keeps 14 bits.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from neurocodec.codecs.planes.layout import Layout, Plane

Taps = Sequence[tuple[int, int]]

# Chroma half-way between two luma samples (as in JPEG), and on the left one (as in MPEG-2).
_HALVE_CENTRED: Taps = tuple(zip(range(-4, 6), (2, -4, -8, 17, 57, 57, 17, -8, -4, 2), strict=True))
_HALVE_LEFT: Taps = (
    *((0, 64), (-1, 40), (1, 40), (-3, -11), (3, -11)),
    *((-5, 4), (5, 4), (-7, -1), (7, -1)),
)
_SEVEN = (-1, 4, -10, 57, 18, -6, 2)
_DOUBLE_CENTRED: tuple[Taps, Taps] = (
    tuple(zip(range(-3, 4), reversed(_SEVEN), strict=True)),
    tuple(zip(range(-3, 4), _SEVEN, strict=True)),
)
_DOUBLE_LEFT: tuple[Taps, Taps] = (
    ((0, 64),),
    tuple(zip(range(-3, 5), (-1, 4, -11, 40, 40, -11, 4, -1), strict=True)),
)
_REACH = 8  # samples repeated beyond each edge: even, and no offset is larger
_BAND_SAMPLES = 1 << 16  # what is worked on at a time stays in the processor's cache
_BITS_BETWEEN = 14


def halve(plane: Plane, layout: Layout) -> Plane:
    """The plane (H, W) at half its width, rounded up, and in 4:2:0 at half its height."""
    rows, bit_depth = layout.chroma == "420", layout.bit_depth
    spare = _BITS_BETWEEN - bit_depth if rows else 0
    taps = _HALVE_LEFT if layout.left else _HALVE_CENTRED
    framed = np.pad(plane, ((0, 0), (_REACH, _REACH + 1)), mode="edge").T
    narrow = np.empty((plane.shape[0], (plane.shape[1] + 1) // 2), np.int16)
    for first, last in bands(*plane.shape):
        at = _along(framed[:, first:last].astype(np.int32), 0, narrow.shape[1], 2)
        narrow[first:last] = _filtered(at, taps, 7 - spare).T
    if not rows:
        return _clipped(narrow, bit_depth, plane.dtype)
    low = np.empty(((plane.shape[0] + 1) // 2, narrow.shape[1]), plane.dtype)
    framed = np.pad(narrow, ((_REACH, _REACH), (0, 0)), mode="edge")
    for first, last in bands(*low.shape):
        band = _filtered(_along(framed, first, last, 2), _HALVE_CENTRED, 7 + spare)
        low[first:last] = _clipped(band, bit_depth, plane.dtype)
    return low


def double(plane: Plane, height: int, width: int, layout: Layout) -> Plane:
    """The plane at twice its width, in 4:2:0 at twice its height too, cut to (height, width)."""
    rows, bit_depth = layout.chroma == "420", layout.bit_depth
    framed = np.pad(plane, _REACH, mode="edge")
    spare = _BITS_BETWEEN - bit_depth if rows else 0
    repeat = 2 if rows else 1
    wide = np.empty((plane.shape[0] * repeat, 2 * plane.shape[1]), plane.dtype)
    for first, last in bands(*plane.shape):
        band = framed[_REACH + first : _REACH + last].astype(np.int32)
        if rows:
            at = _along(framed, first, last, 1)
            phases = [_filtered(at, taps, 6 - spare) for taps in _DOUBLE_CENTRED]
            band = np.stack(phases, axis=1).reshape(2 * (last - first), -1)
        target = wide[repeat * first : repeat * last]
        for phase, taps in enumerate(_DOUBLE_LEFT if layout.left else _DOUBLE_CENTRED):
            filtered = _filtered(_along(band.T, 0, plane.shape[1], 1), taps, 6 + spare)
            target[:, phase::2] = _clipped(filtered, bit_depth, plane.dtype).T
    return wide[:height, :width]


def bands(height: int, width: int) -> Iterator[tuple[int, int]]:
    """First and last row (exclusive) of each band of rows to work on at a time."""
    step = max(1, _BAND_SAMPLES // width)
    return ((first, min(first + step, height)) for first in range(0, height, step))


def _along(framed: Plane, first: int, last: int, step: int) -> Callable[[int], Plane]:
    """A function from an offset to every `step`-th row from `first` to `last`, so far behind."""
    return lambda offset: framed[_REACH + offset :][step * first : step * last : step]


def _filtered(at: Callable[[int], Plane], taps: Taps, shift: int) -> Plane:
    """The weighted sum of the samples `at` each tap's offset, divided by 2^shift and rounded."""
    (offset, weight), *others = taps
    total = np.multiply(at(offset), weight, dtype=np.int32)
    product = np.empty_like(total)
    for offset, weight in others:
        np.multiply(at(offset), weight, out=product, dtype=np.int32)
        total += product
    total += (1 << shift) >> 1
    total >>= shift
    return total


def _clipped(values: Plane, bit_depth: int, dtype: npt.DTypeLike) -> Plane:
    return np.clip(values, 0, (1 << bit_depth) - 1).astype(dtype)
