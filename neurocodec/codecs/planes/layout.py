"""How the planes of a .bpg stand for a picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[Any]

# Each by its number in the file; an HEVC stream numbers the chroma formats alike.
COLOR_SPACES = ("ycbcr", "rgb", "ycgco", "ycbcr_bt709", "ycbcr_bt2020")
CHROMAS = ("gray", "420", "422", "444")


@dataclass(frozen=True)
class Layout:
    """How planes stand for a picture.

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
        """Of a plane's samples."""
        return np.uint8 if self.bit_depth == 8 else np.uint16

    @property
    def plane_count(self) -> int:
        """1 or 3."""
        return 1 if self.chroma == "gray" else 3

    def plane_shape(self, plane: int, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of a plane of a picture of that size."""
        halved_rows = plane > 0 and self.chroma == "420"
        halved_columns = plane > 0 and self.chroma in {"420", "422"}
        rows = (height + 1) // 2 if halved_rows else height
        return rows, (width + 1) // 2 if halved_columns else width
