"""Preprocessing: from a picture to a recogniser's input, differentiably."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transforms

FITS = ("crop", "shorter", "letterbox")
_ORDERS = ("RGB", "BGR")


@dataclass(frozen=True)
class Preprocessing:
    """Resizing (always antialiased), then x = (p255 - sub) · mul on samples of 0 to 255.

    Attributes:
        fit: "crop": the shorter side to `resize`, then the centre square of `size`; "shorter": the
            shorter side to `resize`, nothing cut; "letterbox": the longer side to `size`, padded
            on the right and at the bottom to a square.
        size: the side of the square, in pixels; not used by "shorter".
        resize: in pixels; not used by "letterbox".
        interpolation: "bilinear" or "bicubic".
        channels: "RGB" or "BGR".
        sub: one value a channel, in the order of `channels`.
        mul: likewise.
        pad: the sample that "letterbox" pads with, 0 to 255.
    """

    fit: str
    size: int
    resize: int
    interpolation: str = "bilinear"
    channels: str = "RGB"
    sub: tuple[float, float, float] = (0.0, 0.0, 0.0)
    mul: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pad: float = 114.0

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise ValueError(f"fit is {self.fit!r}: the known ones are {', '.join(FITS)}")
        if self.channels not in _ORDERS:
            raise ValueError(f"channels is {self.channels!r}: it must be RGB or BGR")
        if self.size < 1 or self.resize < 1:
            raise ValueError("size and resize must be at least 1")
        if self.fit == "crop" and self.resize < self.size:
            raise ValueError(f"resize is {self.resize}, less than the size {self.size}")
        InterpolationMode(self.interpolation)

    def __call__(self, pictures: Tensor) -> Tensor:
        """The network's input.

        Args:
            pictures: (N, 3, H, W) float, RGB, [0, 1].
        """
        fitted = self._fit(pictures)
        ordered = fitted.flip(1) if self.channels == "BGR" else fitted
        sub = torch.tensor(self.sub, dtype=fitted.dtype, device=fitted.device).view(3, 1, 1)
        mul = torch.tensor(self.mul, dtype=fitted.dtype, device=fitted.device).view(3, 1, 1)
        return (ordered * 255 - sub) * mul

    def letterbox(self, height: int, width: int) -> tuple[int, int]:
        """The height and width of a picture inside the padded square, in pixels."""
        longer = max(height, width)
        return max(1, height * self.size // longer), max(1, width * self.size // longer)

    def _fit(self, pictures: Tensor) -> Tensor:
        height, width = pictures.shape[-2:]
        if self.fit == "letterbox":
            new_height, new_width = self.letterbox(height, width)
            resized = self._resized(pictures, [new_height, new_width])
            edges = (0, self.size - new_width, 0, self.size - new_height)
            return functional.pad(resized, edges, value=self.pad / 255)
        resized = self._resized(pictures, [self.resize])
        return resized if self.fit == "shorter" else transforms.center_crop(resized, [self.size])

    def _resized(self, pictures: Tensor, size: list[int]) -> Tensor:
        mode = InterpolationMode(self.interpolation)
        resized: Tensor = transforms.resize(pictures, size, interpolation=mode, antialias=True)
        return resized


def from_description(description: Mapping[str, Any], fit: str) -> Preprocessing:
    """The preprocessing that a JSON object describes.

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
        size = int(description["size"])
        sub, mul = _normalisation(description)
        return Preprocessing(
            fit=str(description.get("fit", fit)),
            size=size,
            resize=int(description.get("resize", size)),
            interpolation=str(description.get("interpolation", "bilinear")),
            channels=str(description.get("channels", "RGB")),
            sub=sub,
            mul=mul,
            pad=float(description.get("pad", 114)),
        )
    except KeyError as exc:
        raise ValueError(f"the preprocessing lacks {exc}") from None
    except (TypeError, ArithmeticError) as exc:
        raise ValueError(f"the preprocessing has a value of a wrong kind ({exc})") from None


def from_torchvision(preset: Any) -> Preprocessing | None:
    """The preprocessing of a torchvision preset; None if the network contains it."""
    if not hasattr(preset, "resize_size"):
        return None
    resize = preset.resize_size[0]
    crop = getattr(preset, "crop_size", None)
    sub, mul = _from_unit_range(preset.mean, preset.std)
    return Preprocessing(
        fit="crop" if crop else "shorter",
        size=crop[0] if crop else resize,
        resize=resize,
        interpolation=preset.interpolation.value,
        sub=sub,
        mul=mul,
    )


def from_timm(settings: Mapping[str, Any]) -> Preprocessing:
    """The preprocessing of timm's evaluation transform, from `resolve_model_data_config`."""
    size = settings["input_size"][-1]
    sub, mul = _from_unit_range(settings["mean"], settings["std"])
    return Preprocessing(
        fit="crop",
        size=size,
        resize=int(size / settings["crop_pct"]),
        interpolation=settings["interpolation"],
        sub=sub,
        mul=mul,
    )


_Channels = tuple[float, float, float]


def _normalisation(description: Mapping[str, Any]) -> tuple[_Channels, _Channels]:
    if "mean" in description or "std" in description:
        return _from_unit_range(_channels(description["mean"]), _channels(description["std"]))
    return _channels(description.get("sub", 0)), _channels(description.get("mul", 1))


def _from_unit_range(mean: Sequence[float], std: Sequence[float]) -> tuple[_Channels, _Channels]:
    """(p - mean) / std on [0, 1], converted to samples of 0 to 255."""
    return _channels([255 * m for m in mean]), _channels([1 / (255 * s) for s in std])


def _channels(value: Any) -> _Channels:
    values = value if isinstance(value, Sequence) else [value] * 3
    if len(values) != 3:
        raise TypeError(f"{len(values)} values for 3 channels")
    return float(values[0]), float(values[1]), float(values[2])
