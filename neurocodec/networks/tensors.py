"""The only border between pictures (uint8) and tensors (float)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from neurocodec.images import Image, Plane


def to_tensor(images: Sequence[Image], device: torch.device | str = "cpu") -> Tensor:
    """Convert the pixels of a batch of pictures, without alpha and metadata.

    Args:
        images: N ≥ 1 pictures of one size.
        device: of the tensor.

    Returns:
        (N, 3, H, W) float32 in [0, 1], contiguous: level / 255.

    Raises:
        ValueError: no pictures, or pictures of several sizes.
    """
    levels = torch.from_numpy(np.stack([image.pixels for image in images])).to(device)
    return levels.permute(0, 3, 1, 2).contiguous().to(torch.float32).div_(255)


def to_images(x: Tensor, like: Sequence[Image] | None = None) -> list[Image]:
    """Convert a batch to pictures: clamped to [0, 1], times 255, rounded.

    `to_images(to_tensor(images), images)` returns equal pictures.

    Args:
        x: (N, 3, H, W), any float type, on any device.
        like: the N pictures that x came from; their alpha, metadata and grayness are kept. The
            channels of a gray one become their mean.

    Raises:
        ValueError: x has another shape or a NaN, or a picture's alpha has another size.
    """
    if x.ndim != 4 or x.shape[1] != 3:
        raise ValueError(f"pictures are (N, 3, H, W), not {tuple(x.shape)}")
    if torch.isnan(x).any():
        raise ValueError("a picture has NaN values")
    levels = x.detach().to(torch.float32).clamp(0, 1).mul(255).round().to(torch.uint8)
    batch: Plane = levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    if like is None:
        return [Image(pixels) for pixels in batch]
    return [_like(pixels, image) for pixels, image in zip(batch, like, strict=True)]


def _like(pixels: Plane, image: Image) -> Image:
    if image.gray:
        mean = np.rint(pixels.mean(axis=2, keepdims=True)).astype(np.uint8)
        pixels = np.repeat(mean, 3, axis=2)
    return replace(image, pixels=pixels)
