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
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(1, _HIDDEN)
        self.scale = nn.Linear(_HIDDEN, channels)
        nn.init.zeros_(self.scale.weight)
        nn.init.ones_(self.scale.bias)

    def forward(self, f: Tensor, qp: Tensor) -> Tensor:
        """Scale features (N, C, H, W); qp, (N,), is on BPG's scale 0 to 51."""
        centred = ((qp - _CENTRE_QP) / _SPREAD_QP).to(f.dtype).unsqueeze(1)
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
