"""Preprocessing: from a picture to a recogniser's input, differentiably."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transforms

_FITS = ("crop", "squeeze", "shorter", "letterbox", "native")
_ORDERS = ("RGB", "BGR")
_Channels = tuple[float, float, float]


@dataclass(frozen=True)
class Preprocessing:
    """Resizing (always antialiased), then x = (p255 - sub) · mul on samples of 0 to 255.

    Attributes:
        fit: "crop": the shorter side to `resize`, then the centre square of `size`; "squeeze": both
            sides to `size`; "shorter": the shorter side to `resize`, nothing cut; "letterbox": the
            longer side to `size`, padded on the right and at the bottom to a square; "native":
            nothing is resized.
        size: the side of the square, in pixels; not used by "shorter".
        resize: in pixels; used by "crop" and "shorter".
        interpolation: "bilinear" or "bicubic".
        channels: "RGB" or "BGR".
        sub: one value a channel, in the order of `channels`.
        mul: likewise.
        pad: the sample that "letterbox" pads with, 0 to 255; None pads the network's input with 0.

    Raises:
        ValueError: a value is out of its range.
    """

    fit: str
    size: int
    resize: int
    interpolation: str = "bilinear"
    channels: str = "RGB"
    sub: _Channels = (0.0, 0.0, 0.0)
    mul: _Channels = (1.0, 1.0, 1.0)
    pad: float | None = 114.0

    def __post_init__(self) -> None:
        if self.fit not in _FITS or self.channels not in _ORDERS:
            known = ", ".join([*_FITS, *_ORDERS])
            raise ValueError(f"unknown fit {self.fit!r} or channels {self.channels!r}: use {known}")
        if self.size < 1 or self.resize < (self.size if self.fit == "crop" else 1):
            raise ValueError(f"size {self.size} and resize {self.resize} do not fit together")
        InterpolationMode(self.interpolation)

    def __call__(self, pictures: Tensor) -> Tensor:
        """Make the network's input from pictures, (N, 3, H, W) float, RGB, [0, 1]."""
        fitted = self._fit(pictures)
        ordered = fitted.flip(1) if self.channels == "BGR" else fitted
        sub, mul = (fitted.new_tensor(values).view(3, 1, 1) for values in (self.sub, self.mul))
        return self._squared((ordered * 255 - sub) * mul)

    def _squared(self, pictures: Tensor, value: float = 0.0) -> Tensor:
        """Pad what "letterbox" has made, unless it is a square already."""
        if self.fit != "letterbox":
            return pictures
        height, width = pictures.shape[-2:]
        edges = (0, self.size - width, 0, self.size - height)
        return functional.pad(pictures, edges, value=value)

    def fitted_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what "letterbox" shows of a picture, before it is padded."""
        longer = max(height, width)
        return max(1, height * self.size // longer), max(1, width * self.size // longer)

    def _fit(self, pictures: Tensor) -> Tensor:
        if self.fit == "native":
            return pictures
        height, width = self.fitted_size(*pictures.shape[-2:])
        sizes = {"letterbox": [height, width], "squeeze": [self.size, self.size]}
        mode = InterpolationMode(self.interpolation)
        resized: Tensor = transforms.resize(
            pictures, sizes.get(self.fit, [self.resize]), mode, antialias=True
        )
        if self.fit == "letterbox" and self.pad is not None:
            return self._squared(resized, self.pad / 255)
        return transforms.center_crop(resized, [self.size]) if self.fit == "crop" else resized


def input_size(description: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of the input that a JSON object describes: one `size`, or both.

    Raises:
        ValueError: it is neither.
    """
    size = description["size"]
    sides = size if isinstance(size, list) else [size, size]
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise ValueError(f"the size of the input is {size!r}")
    return sides[0], sides[1]


def from_description(description: Mapping[str, Any], fit: str = "crop") -> Preprocessing:
    """Make the preprocessing that a JSON object describes.

    Its keys are the attributes' names; only `size` is required; `resize` is `size`
    by default, `sub` and `mul` may be one number for all channels, and `mean` and `std`, of
    samples in [0, 1], may stand in their place.

    Args:
        description: the object.
        fit: the default for a description without one.

    Raises:
        ValueError: a key is missing, or a value is out of its range or of a wrong type.
    """
    try:
        settings = {"fit": fit, "resize": description["size"], **description}
        mean, std = settings.pop("mean", None), settings.pop("std", None)
        if mean is not None or std is not None:
            settings["sub"] = [255 * m for m in _channels(mean)]
            settings["mul"] = [1 / (255 * s) for s in _channels(std)]
        return Preprocessing(
            **{key: cast(settings[key]) for key, cast in _CASTS.items() if key in settings}
        )
    except (KeyError, TypeError, ArithmeticError) as exc:
        raise ValueError(f"the preprocessing lacks a value, or has a wrong one ({exc!r})") from None


def _channels(value: Any) -> _Channels:
    first, second, third = value if isinstance(value, Sequence) else [value] * 3
    return float(first), float(second), float(third)


_CASTS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("fit", "interpolation", "channels"), str),
    **dict.fromkeys(("size", "resize"), int),
    **dict.fromkeys(("sub", "mul"), _channels),
    "pad": lambda value: None if value is None else float(value),
}


def from_torchvision(preset: Any) -> Preprocessing | None:
    """Read the preprocessing of a torchvision preset; None if the network contains it."""
    if not hasattr(preset, "resize_size"):
        return None
    resize = preset.resize_size[0]
    crop = getattr(preset, "crop_size", None)
    fitting = {"fit": "crop", "size": crop[0]} if crop else {"fit": "shorter", "size": resize}
    values = {"interpolation": preset.interpolation.value, "mean": preset.mean, "std": preset.std}
    return from_description({**fitting, "resize": resize, **values})


def from_timm(settings: Mapping[str, Any]) -> Preprocessing:
    """Read the preprocessing of timm's evaluation transform, from `resolve_model_data_config`."""
    size = settings["input_size"][-1]
    resize = int(size / settings["crop_pct"])
    return from_description({**settings, "size": size, "resize": resize})
