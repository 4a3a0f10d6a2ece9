"""The layout of a picture's planes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[Any]

# Each by its number in the file; an HEVC stream numbers the chroma formats alike.
COLOR_SPACES = ("ycbcr", "rgb", "ycgco", "ycbcr_bt709", "ycbcr_bt2020")
CHROMAS = ("gray", "420", "422", "444")
_SUBSAMPLINGS = {"11": "444", "21": "422", "22": "420", "12": "440", "41": "411", "42": "410"}


@dataclass(frozen=True)
class Layout:
    """The layout of a picture's planes.

    Attributes:
        chroma: of CHROMAS.
        bit_depth: of every sample, 8 to 14.
        color_space: of COLOR_SPACES; "rgb" has its planes in the order G, B, R.
        limited_range: black and white at 16 and 235 (at 8 bits) instead of 0 and 255.
        left: chroma sited on the left luma sample (MPEG-2) instead of between two (JPEG).
    """

    chroma: str = "420"
    bit_depth: int = 8
    color_space: str = "ycbcr"
    limited_range: bool = False
    left: bool = False

    @property
    def dtype(self) -> npt.DTypeLike:
        """The type of a plane's samples."""
        return np.uint8 if self.bit_depth == 8 else np.uint16

    @property
    def plane_count(self) -> int:
        """The number of planes, 1 or 3."""
        return 1 if self.chroma == "gray" else 3

    def plane_shape(self, plane: int, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of a plane of a picture of that size."""
        halved_rows = plane > 0 and self.chroma == "420"
        halved_columns = plane > 0 and self.chroma in {"420", "422"}
        rows = (height + 1) // 2 if halved_rows else height
        return rows, (width + 1) // 2 if halved_columns else width

    def plane_shapes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Rows and columns of each plane of a picture of that size."""
        return [self.plane_shape(index, height, width) for index in range(self.plane_count)]


def chroma_name(across: int, down: int) -> str:
    """The name of a subsampling by luma samples to a chroma sample: "420"; "2×3" for a rare one."""
    return _SUBSAMPLINGS.get(f"{across}{down}", f"{across}×{down}")


def padded(planes: Sequence[Plane], layout: Layout, height: int, width: int) -> list[Plane]:
    """The planes of a larger picture, their last row and column repeated."""
    return [
        np.pad(plane, [(0, new - old) for new, old in zip(shape, plane.shape, strict=True)], "edge")
        for plane, shape in zip(planes, layout.plane_shapes(height, width), strict=True)
    ]


def cropped(planes: Sequence[Plane], layout: Layout, height: int, width: int) -> list[Plane]:
    """The planes of a smaller picture, in the corner of these."""
    shapes = layout.plane_shapes(height, width)
    return [plane[:rows, :columns] for plane, (rows, columns) in zip(planes, shapes, strict=True)]


def raw(planes: Sequence[Plane]) -> bytes:
    """Planes as raw video: one after another, row by row, samples over 8 bits little-endian."""
    return b"".join(little_endian(plane).tobytes() for plane in planes)


def from_raw(data: bytes, layout: Layout, width: int, height: int) -> list[Plane]:
    """The planes in raw video of one picture.

    Raises:
        ValueError: of another length.
    """
    shapes = layout.plane_shapes(height, width)
    sizes = [rows * columns for rows, columns in shapes]
    samples = np.frombuffer(data, "u1" if layout.bit_depth == 8 else "<u2")
    if len(samples) != sum(sizes):
        raise ValueError(f"{len(data)} bytes for a picture of {width}×{height}")
    parts = np.split(samples, np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def little_endian(plane: Plane) -> Plane:
    """The plane in the byte order that raw video has."""
    return plane.astype("<u2", copy=False) if plane.dtype.itemsize == 2 else plane
