"""Quantisation adaptation: one network for every QP, its features scaled depending on the QP."""

import torch
from torch import Tensor, nn

_HIDDEN = 32
_CENTRE_QP = 34.0
_SPREAD_QP = 8.0


class QuantisationAdaptation(nn.Module):
    """f' = f ⊙ s, s = MLP(QP): the NPP paper's section 3.2.

    At initialisation s is exactly 1 for every QP, so that a network trained without it is
    unchanged.

    Args:
        channels: of the features.
        centre: of the values that it adapts to; QPs on BPG's scale unless said.
        spread: by which they differ from it.
    """

    def __init__(
        self, channels: int, centre: float = _CENTRE_QP, spread: float = _SPREAD_QP
    ) -> None:
        super().__init__()
        self._centre, self._spread = centre, spread
        self.hidden = nn.Linear(1, _HIDDEN)
        self.scale = nn.Linear(_HIDDEN, channels)
        nn.init.zeros_(self.scale.weight)
        nn.init.ones_(self.scale.bias)

    def forward(self, f: Tensor, qp: Tensor) -> Tensor:
        """Scale features (N, C, H, W); qp is (N,)."""
        centred = ((qp - self._centre) / self._spread).to(f.dtype).unsqueeze(1)
        s: Tensor = self.scale(torch.relu(self.hidden(centred)))
        return f * s[:, :, None, None]


class _NoAdaptation(nn.Module):
    def forward(self, f: Tensor, qp: Tensor) -> Tensor:
        return f


def adaptation(channels: int, *, qa: bool) -> nn.Module:
    """Make a layer that takes (f, qp): quantisation adaptation, or the identity."""
    return QuantisationAdaptation(channels) if qa else _NoAdaptation()


def start_at_zero(layer: nn.Module) -> None:
    """Set the layer's weights and biases to 0."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
