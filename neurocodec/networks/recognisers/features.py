"""Features of a recogniser: the output of one of its layers."""

from typing import Any

from torch import Tensor, nn

from neurocodec.errors import UsageError
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
        self._features: Any = None
        if layer:
            try:
                recogniser.network.get_submodule(layer).register_forward_hook(self._after)
            except AttributeError as exc:
                raise UsageError(f"{recogniser.name}: has no layer {layer!r} ({exc})") from None
            return
        for module in recogniser.network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.register_forward_pre_hook(self._before)

    def __call__(self, pictures: Tensor) -> tuple[Any, Tensor]:
        """Return the recogniser's prediction on the pictures, and their features, (N, …).

        Raises:
            UsageError: the layer does not run, or its output is no tensor.
        """
        prediction = self._recogniser(pictures)
        features, self._features = self._features, None
        if not isinstance(features, Tensor):
            raise UsageError(
                f"{self._recogniser.name}: layer {self._layer!r} yields no features: name another"
            )
        return prediction, features

    def _after(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._features = output

    def _before(self, module: nn.Module, inputs: Any) -> None:
        self._features = inputs[0]  # of the last layer in the end
