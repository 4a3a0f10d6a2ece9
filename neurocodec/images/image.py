"""The picture type, and laying a picture over an opaque ground."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageColor

from neurocodec.errors import UsageError

Plane = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Image:
    """One picture.

    Attributes:
        pixels: (H, W, 3) uint8, sRGB.
        alpha: (H, W) uint8, straight (not premultiplied), or None for an opaque picture.
        gray: the picture has no colour: its three channels are equal by construction.
        metadata: the file's "exif" (from the TIFF header on), "icc" (true of the pixels as they
            are here) and "xmp".
        jpeg_steps: quantisation tables of luma and chroma that a filter wants of a JPEG encoder,
            64 values each in raster order; None leaves them to the quality.
    """

    pixels: Plane
    alpha: Plane | None = None
    gray: bool = False
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    jpeg_steps: tuple[tuple[int, ...], tuple[int, ...]] | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(
                f"pixels must be (H, W, 3) uint8, not {self.pixels.shape} {self.pixels.dtype}"
            )
        if self.alpha is not None and self.alpha.shape != self.pixels.shape[:2]:
            raise ValueError(f"alpha is {self.alpha.shape}, pixels are {self.pixels.shape}")

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.pixels.shape[0]


@dataclass(frozen=True, eq=False)
class Stored:
    """A picture's samples as its file has them.

    Attributes:
        mode: "L", "LA", "RGB" or "RGBA"; of a JPEG "L", "YCbCr", "RGB" or "CMYK".
        samples: (H, W, N) uint8, or uint16 of a PNG of 16 bits a sample.
        metadata: the file's "exif" (from the TIFF header on), "icc" and "xmp".
    """

    mode: str
    samples: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
    metadata: Mapping[str, bytes]


def flatten(image: Image, colour: str) -> Image:
    """Lay the picture over an opaque ground; a picture without alpha stays as it is.

    Args:
        image: any picture.
        colour: colour of the ground, as CSS writes it: "white", "#8090a0".

    Raises:
        UsageError: no such colour.
    """
    try:
        ground = np.array(PIL.ImageColor.getrgb(colour)[:3], np.float64)
    except ValueError:
        raise UsageError(f"no colour is called {colour!r}: write white, black or #rrggbb") from None
    if image.alpha is None:
        return image
    weight = image.alpha[..., None] / 255.0
    mixed = np.rint(image.pixels * weight + ground * (1 - weight)).astype(np.uint8)
    gray = image.gray and len(set(ground)) == 1
    return replace(image, pixels=mixed, alpha=None, gray=gray)


def to_pillow(image: Image) -> PIL.Image.Image:
    """Convert to Pillow's own type, of mode L, LA, RGB or RGBA."""
    colour = image.pixels[..., 0] if image.gray else image.pixels
    if image.alpha is None:
        return PIL.Image.fromarray(np.ascontiguousarray(colour))
    return PIL.Image.fromarray(np.dstack([colour, image.alpha]))
