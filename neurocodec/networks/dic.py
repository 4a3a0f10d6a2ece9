"""DIC's network: the recurrent encoder, binariser and decoder of its papers.

"Full Resolution Image Compression with Recurrent Neural Networks" (Toderici 2017), figure 2 and
section 2, which "Discernible Image Compression" (Yang 2020) trains with another loss. Every
iteration codes what the ones before left over, 32 bits for 16×16 pixels: 1/8 bpp.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.networks.bit_predictor import BitPredictor
from neurocodec.networks.recurrent import CELLS, State

STRIDE = 16  # pixels of a code along a side
BITS = 32  # of a code in one iteration

RECONSTRUCTIONS = ("additive", "one-shot")

_SCALE = 1.8  # [0, 1] becomes [−0.9, 0.9], within the reach of tanh

Memory = Sequence[State | None] | None
"""The states of recurrent cells; None before the first iteration."""


class Dic(nn.Module):
    """A progressive codec for pictures of any size: bits of every iteration, and back.

    Args:
        width: c below; 64 in the paper.
        cell: "gru", "lstm" or "residual-gru".
        reconstruction: "additive": an iteration adds to the picture so far; "one-shot": it makes
            the picture anew.
        iterations: of its training; more can be coded.

    Attributes:
        predictor: of the bits, for the entropy coder.
    """

    def __init__(
        self,
        width: int = 64,
        cell: str = "gru",
        reconstruction: str = "additive",
        iterations: int = 8,
    ) -> None:
        super().__init__()
        if cell not in CELLS or reconstruction not in RECONSTRUCTIONS:
            known = ", ".join([*CELLS, *RECONSTRUCTIONS])
            raise ValueError(f"no cell or reconstruction of that name: the known ones are {known}")
        self.config: dict[str, Any] = {
            "width": width,
            "cell": cell,
            "reconstruction": reconstruction,
            "iterations": iterations,
        }
        self._additive = reconstruction == "additive"
        self.encoder = Encoder(width, cell)
        self.decoder = Decoder(width, cell)
        self.predictor = BitPredictor(BITS, iterations)

    def forward(self, x: Tensor, iterations: int) -> Tensor:
        """The picture after each iteration, differentiably; in training bits are drawn at random.

        Args:
            x: (N, 3, H, W) in [0, 1]; H and W are multiples of 16.
            iterations: at least 1.

        Returns:
            (iterations, N, 3, H, W), not clamped.
        """
        return torch.stack([picture for _, picture in self._iterated(x, iterations)])

    @torch.no_grad()
    def encode(self, x: Tensor, iterations: int) -> Tensor:
        """The bits of pictures.

        Args:
            x: (N, 3, H, W) in [0, 1]; H and W are multiples of 16.
            iterations: at least 1.

        Returns:
            (iterations, N, 32, H/16, W/16) bool.
        """
        return torch.stack([bits > 0 for bits, _ in self._iterated(x, iterations)])

    @torch.no_grad()
    def decode(self, bits: Tensor) -> Tensor:
        """The pictures of `encode`'s bits, (N, 3, H, W), in [0, 1]."""
        memory: Memory = None
        picture: Tensor | None = None
        for one in bits.float() * 2 - 1:
            change, memory = self.decoder(one, memory)
            picture = self._added(picture, change)
        if picture is None:
            raise ValueError("a picture needs the bits of one iteration at least")
        return _as_samples(picture).clamp(0, 1)

    def _iterated(self, x: Tensor, iterations: int) -> Iterator[tuple[Tensor, Tensor]]:
        """±1 and the picture, by iteration."""
        centred = (x - 0.5) * _SCALE
        seen: Memory = None  # by the encoder
        made: Memory = None  # by the decoder
        left, picture = centred, None
        for _ in range(iterations):
            code, seen = self.encoder(left, seen)
            bits = binarised(code, at_random=self.training)
            change, made = self.decoder(bits, made)
            picture = self._added(picture, change)
            left = centred - picture
            yield bits, _as_samples(picture)

    def _added(self, picture: Tensor | None, change: Tensor) -> Tensor:
        return picture + change if self._additive and picture is not None else change


def _as_samples(picture: Tensor) -> Tensor:
    return picture / _SCALE + 0.5


def binarised(code: Tensor, *, at_random: bool) -> Tensor:
    """−1 or 1, the gradient straight through: Toderici 2016, equations 3 and 4.

    Args:
        code: in [−1, 1].
        at_random: 1 with the probability (1 + code) / 2, in training; else the nearer one.
    """
    threshold = 2 * torch.rand_like(code) - 1 if at_random else torch.zeros_like(code)
    bits = torch.where(code > threshold, 1.0, -1.0)
    return code + (bits - code).detach()


class Encoder(nn.Module):
    """From what is left of a picture to the code of the binariser, 1/16 a side."""

    def __init__(self, width: int, cell: str) -> None:
        super().__init__()
        c, create = width, CELLS[cell]
        self.enter = nn.Conv2d(3, c, 3, stride=2, padding=1)
        self.cells = nn.ModuleList(
            create(inputs, hidden, stride=2, kernel=1)
            for inputs, hidden in ((c, 4 * c), (4 * c, 8 * c), (8 * c, 8 * c))
        )
        self.code = nn.Conv2d(8 * c, BITS, 1)

    def forward(self, left: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """Map (N, 3, H, W) to (N, 32, H/16, W/16) in [−1, 1]; with the new memory."""
        features, after = self.enter(left), []
        for cell, state in zip(self.cells, memory or [None] * len(self.cells), strict=True):
            features, state = cell(features, state)
            after.append(state)
        return torch.tanh(self.code(features)), after


class Decoder(nn.Module):
    """From bits to a picture; after each of the four cells channels become 2×2 pixels.

    The first cell's kernel is 3×3, 2×2 in the paper.
    """

    def __init__(self, width: int, cell: str) -> None:
        super().__init__()
        c, create = width, CELLS[cell]
        self.enter = nn.Conv2d(BITS, 8 * c, 1)
        sizes = ((8 * c, 8 * c, 1), (2 * c, 8 * c, 1), (2 * c, 4 * c, 3), (c, 2 * c, 3))
        self.cells = nn.ModuleList(
            create(inputs, hidden, stride=1, kernel=kernel) for inputs, hidden, kernel in sizes
        )
        self.leave = nn.Conv2d(c // 2, 3, 1)

    def forward(self, bits: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """Map (N, 32, h, w), ±1, to (N, 3, 16·h, 16·w) in [−1, 1]; with the new memory."""
        features, after = self.enter(bits), []
        for cell, state in zip(self.cells, memory or [None] * len(self.cells), strict=True):
            features, state = cell(features, state)
            features = functional.pixel_shuffle(features, 2)
            after.append(state)
        return torch.tanh(self.leave(features)), after
