"""A picture as a function of the unknowns of a search: a coarse map of blurs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from neurocodec.filters.search.tables import QuantisationTables
from neurocodec.filters.tiles import Span, spans
from neurocodec.images import Image
from neurocodec.networks.dct import DctProxy
from neurocodec.networks.filter import padded
from neurocodec.networks.light import FIRST_LOGITS, Blurs, Light
from neurocodec.networks.swap import round_to_levels
from neurocodec.networks.tensors import to_images

_STRIDE = 32  # of tiles: whole blocks of the proxy's chroma
_TILE = 768
_SCALE = 4  # pixels of a logit, along a side
_LEARNING_RATE, _RESIDUAL_LEARNING_RATE = 1.0, 2 / 255

Place = tuple[slice, slice]


class Start:
    """The blurs and the residual that a search begins with.

    Args:
        network: a trained npp-light or npp-context, or None for the best single blur of photographs
            and no residual.

    Attributes:
        stride: of pictures, in pixels.
    """

    def __init__(self, network: Light | None) -> None:
        self._network = network
        self.stride = Light.stride if network is None else network.stride

    @torch.no_grad()
    def __call__(self, x: Tensor, qp: float) -> tuple[Tensor, Tensor]:
        """The logits, (1, 18, H/4, W/4), and the residual, (1, 3, H, W), of a picture x.

        Args:
            x: (1, 3, H, W) in [0, 1]; H and W are multiples of the stride.
            qp: on BPG's scale.
        """
        height, width = x.shape[-2:]
        logits = x.new_tensor(FIRST_LOGITS)[None, :, None, None].repeat(
            1, 1, height // _SCALE, width // _SCALE
        )
        residual = torch.zeros_like(x)
        if self._network is None:
            return logits, residual
        network, qps = self._network, x.new_full((1,), qp)
        rows, columns = (
            spans(side, network.tile, network.reach, self.stride) for side in x.shape[-2:]
        )
        for row, column in product(rows, columns):
            window = x[..., row.shown, column.shown]
            predicted, change = network.predict(window, qps)
            tile, part = (row.tile, column.tile), (row.part, column.part)
            logits[(..., *_scaled(tile))] = predicted[(..., *_scaled(part))]
            residual[(..., *tile)] = change[(..., *part)]
        return logits, residual


class Field(nn.Module):
    """x̄ = Σ_k w_k ⊙ (g_k ∗ x) + r, with the logits of w_k those of a start plus the unknowns.

    The unknowns are logits on a coarse grid, enlarged bilinearly, and whatever else is asked for.
    Tiles of a large picture are computed anew for their gradients, so that memory holds the inside
    of one.

    Args:
        x: the picture, (1, 3, H, W) in [0, 1]; H and W are multiples of 4.
        logits: at the start, (1, 18, H/4, W/4).
        residual: r, (1, 3, H, W).
        cell: side of a cell of the grid, in pixels; at least 4.
        tables: JPEG's, to be searched too.
        free_residual: r is an unknown too.
    """

    def __init__(
        self,
        x: Tensor,
        logits: Tensor,
        residual: Tensor,
        cell: float,
        tables: QuantisationTables | None = None,
        free_residual: bool = False,
    ) -> None:
        super().__init__()
        self._x, self._logits = x, logits
        self._residual = nn.Parameter(residual, requires_grad=free_residual)
        self._tables = tables
        self._blurs = Blurs().to(x.device)
        cells = [max(1, round(side / max(_SCALE, cell))) for side in x.shape[-2:]]
        self.unknowns = nn.Parameter(x.new_zeros(1, len(FIRST_LOGITS), *cells))

    def forward(self) -> Tensor:
        """x̄, not clamped."""
        size = self._logits.shape[-2:]
        enlarged = functional.interpolate(self.unknowns, size=size, mode="bilinear")
        logits = self._logits + enlarged

        def blurred(row: Span, column: Span) -> Tensor:
            shown = (row.shown, column.shown)
            mixed: Tensor = self._blurs(self._x[(..., *shown)], logits[(..., *_scaled(shown))])
            return mixed[..., row.part, column.part]

        (mixed,) = assembled(lambda *tile: (blurred(*tile),), self._x.shape, self._blurs.reach)
        return mixed + self._residual

    def groups(self) -> list[dict[str, Any]]:
        """The unknowns with their learning rates, as optimisers take them."""
        groups: list[dict[str, Any]] = [{"params": [self.unknowns], "lr": _LEARNING_RATE}]
        if self._residual.requires_grad:
            groups.append({"params": [self._residual], "lr": _RESIDUAL_LEARNING_RATE})
        return groups if self._tables is None else [*groups, self._tables.group()]

    def rounded(self) -> Tensor:
        """x̄, clamped and rounded to 1/255, the gradient straight through."""
        return round_to_levels(self())

    def as_picture(self, x_bar: Tensor, like: Image) -> Image:
        """The codec's input: x̄ cut to the size of `like`, with its alpha and metadata."""
        (picture,) = to_images(x_bar[..., : like.height, : like.width], [like])
        if self._tables is None:
            return picture
        return replace(picture, jpeg_steps=self._tables.steps())

    def proxied(self, proxy: "TiledProxy", x_bar: Tensor, qp: Tensor) -> tuple[Tensor, Tensor]:
        """ŷ, (1, 3, H, W), and R_p, (1,), of x̄, by the tables where they are searched."""
        factors = 1.0 if self._tables is None else self._tables.factors()
        proxied: tuple[Tensor, Tensor] = proxy(x_bar, qp, factors)
        return proxied


class TiledProxy(nn.Module):
    """A proxy codec on pictures of any size, in tiles of whole blocks."""

    def __init__(self, proxy: DctProxy) -> None:
        super().__init__()
        self._proxy = proxy

    def forward(
        self, x_bar: Tensor, qp: Tensor, factors: Tensor | float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """ŷ, (1, 3, H, W), and R_p, (1,), of x̄, (1, 3, H, W); `factors` are as for DctProxy."""
        height, width = x_bar.shape[-2:]
        x_bar = padded(x_bar, _STRIDE)
        size = x_bar.shape[-2:].numel()

        def proxied(row: Span, column: Span) -> tuple[Tensor, Tensor]:
            tile = x_bar[..., row.tile, column.tile]
            y_hat, r_p = self._proxy(tile, qp, factors)
            return y_hat, r_p * (tile.shape[-2:].numel() / size)

        y_hat, *rates = assembled(proxied, x_bar.shape)
        return y_hat[..., :height, :width], torch.stack(rates).sum(0)


def assembled(
    function: Callable[[Span, Span], tuple[Tensor, ...]], shape: Sequence[int], margin: int = 0
) -> tuple[Tensor, ...]:
    """Put pictures together from tiles, each computed anew for its gradient.

    Args:
        function: from a tile's rows and columns to the tile, (1, C, h, w), and other tensors.
        shape: of the result; height and width are its last two.
        margin: around a tile, in pixels.

    Returns:
        The picture, and the other tensors of every tile in order.
    """
    rows, columns = (spans(side, _TILE, margin, _STRIDE) for side in shape[-2:])
    others: list[Tensor] = []

    def made(row: Span, column: Span) -> Tensor:
        alone = len(rows) == len(columns) == 1
        if alone or not torch.is_grad_enabled():
            tile, *more = function(row, column)
        else:
            tile, *more = checkpoint(
                function, row, column, use_reentrant=False, preserve_rng_state=False
            )
        others.extend(more)
        return tile

    picture = torch.cat([torch.cat([made(r, c) for c in columns], -1) for r in rows], -2)
    return picture, *others


def _scaled(place: Place) -> Place:
    """The logits of a place in the picture."""
    rows, columns = (slice(side.start // _SCALE, -(-side.stop // _SCALE)) for side in place)
    return rows, columns
