"""Features of a recogniser: the output of one of its layers."""

from typing import Any

import torch
from torch import Tensor, nn

from neurocodec.errors import UsageError
from neurocodec.networks.recognisers.graph import Graph
from neurocodec.networks.recognisers.recogniser import Recogniser


class FeatureReader:
    """A recogniser with its features beside its prediction, both differentiable.

    Args:
        recogniser: a classifier.
        layer: the features are its output: an operation's name, or for torchvision's and timm's
            networks a module's, as `named_modules` has it ("features.18"). "" is the input of the
            last layer with weights: ResNet's 512 means, MobileNetV2's 1280, SqueezeNet's map of
            512 channels.

    Raises:
        UsageError: there is no such layer.
    """

    def __init__(self, recogniser: Recogniser, layer: str = "") -> None:
        self._recogniser = recogniser
        self._layer = layer
        self._read: list[Any] = []
        if layer:
            _named(recogniser, layer).register_forward_hook(
                lambda module, inputs, output: self._read.append(output)
            )
        else:
            _last(recogniser).register_forward_pre_hook(
                lambda module, inputs: self._read.append(inputs[0])
            )

    def __call__(self, pictures: Tensor) -> tuple[Any, Tensor]:
        """The recogniser's prediction on the pictures, and their features, (N, …).

        Raises:
            UsageError: the layer does not run, or its output is no tensor.
        """
        prediction = self._recogniser(pictures)
        features = self._read[-1] if self._read else None
        self._read.clear()
        if not isinstance(features, Tensor):
            raise UsageError(
                f"{self._recogniser.name}: layer {self._layer!r} yields no features: name another"
            )
        return prediction, features


def _named(recogniser: Recogniser, layer: str) -> nn.Module:
    network = recogniser.network
    try:
        return network.layer(layer) if isinstance(network, Graph) else network.get_submodule(layer)
    except AttributeError as exc:
        raise UsageError(f"{recogniser.name}: has no layer {layer!r} ({exc})") from None


@torch.no_grad()
def _last(recogniser: Recogniser) -> nn.Module:
    """The convolution or matrix that runs last in a trial."""
    ran: list[nn.Module] = []
    hooks = [
        module.register_forward_pre_hook(lambda module, inputs: ran.append(module))
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
