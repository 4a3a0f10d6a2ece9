"""Random crops for the recognisers: clean and decoded pictures are shown cropped alike, so that a
filter is not tuned to a few recognisers' predictions on a few fixed pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import functional as transforms

from neurocodec.training import distributed

_SMALLEST = 0.7  # share of the picture's side


@dataclass(frozen=True)
class RandomCrop:
    """A part of a picture, resized to the picture's size.

    Attributes:
        height: share of the picture's height, above 0 and at most 1.
        width: share of its width.
        top: share of the remaining height that is above the crop.
        left: share of the remaining width that is left of it.
        mirrored: exchange left and right.
    """

    height: float
    width: float
    top: float
    left: float
    mirrored: bool

    def __call__(self, picture: Tensor) -> Tensor:
        """The crop of a picture, (3, H, W); differentiable."""
        size = list(picture.shape[-2:])
        height, width = round(self.height * size[0]), round(self.width * size[1])
        top, left = round(self.top * (size[0] - height)), round(self.left * (size[1] - width))
        part = transforms.resized_crop(picture, top, left, height, width, size, antialias=True)
        return part.flip(-1) if self.mirrored else part


def draw_crops(count: int, *, seed: int, step: int) -> list[RandomCrop]:
    """A crop for each of `count` pictures of a step: this process's share of the batch."""
    rng = np.random.default_rng([seed, 3, step])
    return list(distributed.share([_draw(rng) for _ in range(count * distributed.processes())]))


def cropped(pictures: Tensor, crops: Sequence[RandomCrop]) -> Tensor:
    """Every picture, (N, 3, H, W), through its crop; without crops the pictures themselves."""
    if not crops:
        return pictures
    parts = [crop(picture) for crop, picture in zip(crops, pictures, strict=True)]
    return torch.stack(parts).contiguous(memory_format=torch.channels_last)


def _draw(rng: np.random.Generator) -> RandomCrop:
    height, width = rng.uniform(_SMALLEST, 1, 2)
    top, left = rng.random(2)
    return RandomCrop(height, width, top, left, mirrored=bool(rng.random() < 0.5))
