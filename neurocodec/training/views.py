"""What recognisers see of a picture in training: a random part of it, so that a filter is not tuned
to a few recognisers' answers on a few whole pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import functional as transforms

from neurocodec.training import distributed

_SMALLEST = 0.7  # of a part's side, a share of the picture's


@dataclass(frozen=True)
class View:
    """A part of a picture, brought back to the picture's size.

    Attributes:
        height: of the part, a share of the picture's, above 0 and at most 1.
        width: likewise.
        top: of the room that is left above and below, the share above.
        left: likewise.
        mirrored: left and right changed.
    """

    height: float
    width: float
    top: float
    left: float
    mirrored: bool

    def __call__(self, picture: Tensor) -> Tensor:
        """The part of a picture, (3, H, W), at that size; differentiable."""
        size = list(picture.shape[-2:])
        height, width = round(self.height * size[0]), round(self.width * size[1])
        top, left = round(self.top * (size[0] - height)), round(self.left * (size[1] - width))
        part = transforms.resized_crop(picture, top, left, height, width, size, antialias=True)
        return part.flip(-1) if self.mirrored else part


def draw_views(count: int, *, seed: int, step: int) -> list[View]:
    """A view for each of `count` pictures of a step: this process's share of the batch."""
    rng = np.random.default_rng([seed, 3, step])
    whole = [_drawn(rng) for _ in range(count * distributed.processes())]
    return list(distributed.share(whole))


def seen(pictures: Tensor, views: Sequence[View]) -> Tensor:
    """Every picture, (N, 3, H, W), through its view; without views the pictures themselves."""
    if not views:
        return pictures
    parts = [view(picture) for view, picture in zip(views, pictures, strict=True)]
    return torch.stack(parts).contiguous(memory_format=torch.channels_last)


def _drawn(rng: np.random.Generator) -> View:
    height, width = rng.uniform(_SMALLEST, 1, 2)
    top, left = rng.random(2)
    return View(height, width, top, left, mirrored=bool(rng.random() < 0.5))
