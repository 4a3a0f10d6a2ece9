"""What a recogniser makes of a picture on the way to its answer."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neurocodec.errors import UsageError
from neurocodec.networks.recognisers.graph import Graph
from neurocodec.networks.recognisers.recogniser import Recogniser


class FeatureReader:
    """A recogniser that gives its features beside its answer, both differentiable."""

    def __init__(self, recogniser: Recogniser, layer: str = "") -> None:
        """Say where the features are.

        Args:
            recogniser: a classifier.
            layer: whose result they are: an operation's name, or for torchvision's and timm's
                networks a module's, as `named_modules` has it ("features.18"). "" is what the last
                layer with weights reads, from which the answer is only one matrix away: ResNet's
                512 means, MobileNetV2's 1280, SqueezeNet's map of 512 channels.

        Raises:
            UsageError: there is no such layer.
        """
        self._recogniser = recogniser
        self._layer = layer
        self._read: list[Any] = []
        if layer:
            _named(recogniser, layer).register_forward_hook(self._after)
        else:
            _last(recogniser).register_forward_pre_hook(self._before)

    def __call__(self, pictures: Tensor) -> tuple[Any, Tensor]:
        """The recogniser's answer to the pictures, and their features, (N, …).

        Raises:
            UsageError: the layer takes no part, or makes no tensor.
        """
        self._read.clear()
        answer = self._recogniser(pictures)
        features = self._read.pop() if self._read else None
        self._read.clear()
        if not isinstance(features, Tensor):
            raise UsageError(
                f"{self._recogniser.name}: layer {self._layer!r} makes no features: name another"
            )
        return answer, features

    def _after(self, module: nn.Module, given: Any, made: Any) -> None:
        self._read.append(made)

    def _before(self, module: nn.Module, given: Sequence[Any]) -> None:
        self._read.append(given[0])


def _named(recogniser: Recogniser, layer: str) -> nn.Module:
    network = recogniser.network
    try:
        return network.layer(layer) if isinstance(network, Graph) else network.get_submodule(layer)
    except AttributeError as exc:
        raise UsageError(f"{recogniser.name}: has no layer {layer!r} ({exc})") from None


@torch.no_grad()
def _last(recogniser: Recogniser) -> nn.Module:
    """The convolution or matrix that runs last, found by a trial."""
    ran: list[nn.Module] = []
    hooks = [
        module.register_forward_pre_hook(lambda module, given: ran.append(module))
        for module in recogniser.network.modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    side = recogniser.preprocessing.size if recogniser.preprocessing else 64
    recogniser(torch.zeros(1, 3, side, side, device=recogniser.device))
    for hook in hooks:
        hook.remove()
    if not ran:
        raise UsageError(f"{recogniser.name}: has no layer with weights: name one")
    return ran[-1]
