"""npp-semantic: npp-context advised by the features of a classifier that has seen more pictures."""

from itertools import takewhile
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.networks.adaptation import adaptation, start_at_zero
from neurocodec.networks.light import FIRST_LOGITS, Adapted, Context, enlarged
from neurocodec.networks.recognisers import efficientnet_lite
from neurocodec.networks.recognisers.graph import Graph

_CLASSIFIER = "efficientnet_lite0"
# At strides 8, 16 and 32. Later layers of stride 32 see so far that tiles would need margins of 500
# pixels.
_EIGHTH, _SIXTEENTH, _THIRTY_SECOND = "block4.add", "block10.add", "block11.project"
_CHANNELS = {_EIGHTH: 40, _SIXTEENTH: 112, _THIRTY_SECOND: 192}
_MIDDLE, _FINE = 128, 96


class Semantic(Context):
    """Context advised by features of EfficientNet-Lite0 at strides 8, 16 and 32.

    The advice goes to the residual's features and to the logits of the weights w_k. All added
    layers give 0 at first, so that training can start from weights of Context. The classifier
    does not learn, and a weights file does not hold it: it comes with the program.

    Raises:
        MissingError: the classifier's weights are not installed.
    """

    stride, reach, tile = 32, 320, 640

    def __init__(self, width: int, *, qa: bool) -> None:
        super().__init__(width, qa=qa)
        self.recognised = _Recognised(qa=qa)
        self.to_features = nn.Conv2d(_FINE, 4 * width, 1)
        self.to_logits = nn.Conv2d(_FINE, len(FIRST_LOGITS), 3, padding=1)
        self.to_logits_adapted = adaptation(len(FIRST_LOGITS), qa=qa)
        start_at_zero(self.to_features)
        start_at_zero(self.to_logits)

    def predict(self, x: Tensor, qp: Tensor) -> tuple[Tensor, Tensor]:
        """Predict the logits of the weights, (N, 18, H/4, W/4), and the residual, (N, 3, H, W)."""
        s = self.recognised(x, qp)
        f, skips = self.residual.descend(x, qp)
        f = self.residual.middle(f + self.surroundings(f, qp) + self.to_features(s), qp)
        residual, quarter = self.residual.ascend(f, skips, qp)
        advice = self.advice(quarter, f, qp)
        advice += enlarged(self.to_logits_adapted(self.to_logits(s), qp), 2)
        return self.mixture(x, qp) + advice, residual


class _Recognised(nn.Module):
    """The classifier's features, joined at 1/8 of the size and adapted to the QP."""

    def __init__(self, *, qa: bool) -> None:
        super().__init__()
        self.frozen = _Frozen()
        self.thirty_second = nn.Conv2d(_CHANNELS[_THIRTY_SECOND], _MIDDLE, 1)
        self.sixteenth = nn.Conv2d(_CHANNELS[_SIXTEENTH], _MIDDLE, 1)
        self.middle = Adapted(_MIDDLE, qa=qa)
        self.narrow = nn.Conv2d(_MIDDLE, _FINE, 1)
        self.eighth = nn.Conv2d(_CHANNELS[_EIGHTH], _FINE, 1)
        self.fine = nn.ModuleList([Adapted(_FINE, qa=qa), Adapted(_FINE, qa=qa)])

    def forward(self, x: Tensor, qp: Tensor) -> Tensor:
        """Map pictures (N, 3, H, W) to features (N, 96, H/8, W/8); H and W multiples of 32."""
        seen = self.frozen(x)
        f = enlarged(self.thirty_second(seen[_THIRTY_SECOND]), 2)
        f = self.middle(functional.leaky_relu(f + self.sixteenth(seen[_SIXTEENTH]), 0.1), qp)
        f = functional.leaky_relu(enlarged(self.narrow(f), 2) + self.eighth(seen[_EIGHTH]), 0.1)
        for layer in self.fine:
            f = layer(f, qp)
        return f


class _Frozen(nn.Module):
    """The classifier up to its last feature: no parameter of the network, and in no file."""

    def __init__(self) -> None:
        super().__init__()
        description, tensors = efficientnet_lite.read(_CLASSIFIER)
        ops = [*takewhile(lambda op: op["name"] != _THIRTY_SECOND, description["ops"])]
        ops.append(description["ops"][len(ops)])
        names = {op["name"] for op in ops}
        used = {key: t for key, t in tensors.items() if key.rpartition(".")[0] in names}
        graph = Graph(ops, used, list(_CHANNELS)).eval().requires_grad_(False)
        # In a tuple, where torch does not look for submodules.
        self._graph = (graph.to(memory_format=torch.channels_last),)
        given = description["input"]
        self._sub, self._mul = float(given["sub"]), float(given["mul"])

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """Move the classifier too, where the network goes."""
        apply: Any = super()._apply
        self._graph[0]._apply(fn, recurse)  # type: ignore[no-untyped-call]
        moved: Self = apply(fn, recurse)
        return moved

    @torch.no_grad()
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The features by name, of pictures (N, 3, H, W) in [0, 1]."""
        features: dict[str, Tensor] = self._graph[0]((x * 255 - self._sub) * self._mul)
        return features
