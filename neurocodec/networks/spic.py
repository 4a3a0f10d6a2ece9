"""SPIC's network: from pictures to latents, and from latents to classes and to pictures.

"Semantic Preserving Image Compression" (Patwa 2020), whose analysis is a convolutional autoencoder
with leaky ReLUs. Instead the first operations of a recogniser can be the analysis, with a 1×1
bottleneck after them, and its other operations the classifier, as in split computing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.errors import BadInputError
from neurocodec.networks.density import Density, largest, step_of
from neurocodec.networks.expectation import Expectation
from neurocodec.networks.filter import padded
from neurocodec.networks.latent_prediction import LatentPrediction
from neurocodec.networks.precision import exact
from neurocodec.networks.recognisers.graph import Graph
from neurocodec.networks.recognisers.preprocessing import from_description
from neurocodec.networks.recognisers.splitting import blank, halves
from neurocodec.networks.swap import swap

_SLOPE = 0.2  # of the leaky ReLUs
_SIDE = 64  # of a picture that tells the stride
_STRIDES = (8, 16, 32)


@dataclass(frozen=True, eq=False)
class Seen:
    """The bits, classes and decoded pictures of a batch of N pictures.

    Attributes:
        bits: of each picture's latents by the density, (N,).
        logits: of the classes, (N, classes).
        pictures: (N, 3, H, W), not clamped.
    """

    bits: Tensor
    logits: Tensor
    pictures: Tensor


class Spic(nn.Module):
    """A codec for pictures of any size, whose latents are classified without pixels.

    Args:
        latents: C, channels of the latents.
        width: channels of the synthesis, and of the analysis where it is not a recogniser's.
        classes: what the classifier tells apart; a recogniser's classifier has its own.
        recogniser: its description as `recognisers.load` takes it, with "layer", after which it is
            cut; None for an analysis and a classifier of their own.

    Attributes:
        stride: pixels of a latent along a side; pictures are multiples of it.
        prediction: of the latents from their neighbours.
        density: of what is left of them.

    Raises:
        ValueError: the recogniser cannot be cut there.
    """

    def __init__(
        self,
        latents: int = 48,
        width: int = 32,
        classes: int = 1000,
        recogniser: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "latents": latents,
            "width": width,
            "classes": classes,
            "recogniser": recogniser,
        }
        self.analysis: nn.Module
        self.classifier: nn.Module
        if recogniser is None:
            self.analysis, self.classifier = (
                _Analysis(width, latents),
                _Classifier(latents, classes),
            )
        else:
            self.analysis, self.classifier = _cut(recogniser, latents)
        self.stride = self._stride()
        self.synthesis = _Synthesis(latents, width, self.stride)
        self.prediction = LatentPrediction(latents)
        self.density = Density(latents)

    def forward(self, x: Tensor, qf: Tensor) -> Seen:
        """All that training needs, differentiably; rounding passes the gradient straight through.

        Args:
            x: (N, 3, H, W) in [0, 1].
            qf: quality factor of each picture, (N,) float, 1 to 128.
        """
        latents = rounded(self.latents(x), qf)
        bits = self.density.bits(latents - self.prediction(latents), step_of(qf))
        pictures = self.synthesis(latents)[..., : x.shape[-2], : x.shape[-1]]
        return Seen(bits, self.classifier(latents), pictures)

    def latents(self, x: Tensor) -> Tensor:
        """The latents of pictures, (N, C, h, w), before they are rounded."""
        latents: Tensor = self.analysis(padded(x, self.stride))
        return latents

    def keep_recogniser(self) -> None:
        """Leave the halves of a recogniser as they are in training."""
        for half in (self.analysis, self.classifier):
            if isinstance(half, Front | Back):
                half.graph.requires_grad_(False)

    def complete(self) -> None:
        """Write the entropy coder's counts, before the weights are saved."""
        self.density.write_counts()

    def expectation(self, qf: int) -> Expectation:
        """What the entropy coder expects of symbols.

        Raises:
            BadInputError: the weights' counts are damaged.
        """
        return Expectation(self.prediction, self.density, qf)

    @torch.no_grad()
    def encode(self, x: Tensor, qf: int) -> Tensor:
        """The symbols of pictures, whole latents in steps: (N, C, h, w) int32.

        Args:
            x: (N, 3, H, W) in [0, 1]; sides are padded to multiples of the stride.
            qf: the quality factor, 1 to 128.

        Raises:
            BadInputError: the weights make no finite latents.
        """
        latents = self.latents(x)
        if not torch.isfinite(latents).all():
            raise BadInputError("the weights make latents that are no numbers: name another file")
        return _symbols(latents, x.new_tensor([float(qf)])).int()

    @torch.no_grad()
    def classify(self, symbols: Tensor, qf: int) -> Tensor:
        """The logits of symbols, (N, classes)."""
        logits: Tensor = self.classifier(_latents(symbols, qf))
        return logits

    @torch.no_grad()
    def decode(self, symbols: Tensor, qf: int) -> Tensor:
        """The pictures of symbols, (N, 3, H, W), in [0, 1]."""
        pictures: Tensor = self.synthesis(_latents(symbols, qf))
        return pictures.clamp(0, 1)

    @torch.no_grad()
    def _stride(self) -> int:
        stride: int = _SIDE // self.analysis(torch.zeros(1, 3, _SIDE, _SIDE)).shape[-1]
        if stride not in _STRIDES:
            raise ValueError(f"the layer has a stride of {stride}, not one of {_STRIDES}")
        return stride


def rounded(latents: Tensor, qf: Tensor) -> Tensor:
    """Latents clamped and rounded to multiples of the step, the gradient straight through.

    Args:
        latents: (N, C, h, w).
        qf: of each picture, (N,).
    """
    steps = _symbols(latents.detach(), qf) * step_of(qf)[:, None, None, None]
    return swap(steps, latents)


def _symbols(latents: Tensor, qf: Tensor) -> Tensor:
    most = largest(qf)[:, None, None, None]
    steps = (latents / step_of(qf)[:, None, None, None]).round()
    return torch.minimum(torch.maximum(steps, -most), most)


def _latents(symbols: Tensor, qf: int) -> Tensor:
    return symbols.float() * step_of(torch.tensor(float(qf)))


class _Analysis(nn.Module):
    """Four convolutions of stride 2 with leaky ReLUs, and one to the latents."""

    def __init__(self, width: int, latents: int) -> None:
        super().__init__()
        widths = [3, width, 2 * width, 3 * width, 4 * width]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 5, stride=2, padding=2), nn.LeakyReLU(_SLOPE)]
        self.convs = nn.Sequential(*layers)
        self.bottleneck = nn.Conv2d(widths[-1], latents, 1)

    def forward(self, x: Tensor) -> Tensor:
        return exact(self.bottleneck, self.convs(x))


class _Classifier(nn.Module):
    """Two convolutions with leaky ReLUs, the mean over the places, and the classes."""

    def __init__(self, latents: int, classes: int) -> None:
        super().__init__()
        inner = 4 * latents
        self.convs = nn.Sequential(
            nn.Conv2d(latents, inner, 3, padding=1),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(inner, inner, 3, stride=2, padding=1),
            nn.LeakyReLU(_SLOPE),
        )
        self.classes = nn.Linear(inner, classes)

    def forward(self, latents: Tensor) -> Tensor:
        logits: Tensor = self.classes(self.convs(latents).mean((2, 3)))
        return logits


class Front(nn.Module):
    """A recogniser's first operations and a bottleneck."""

    def __init__(self, graph: Graph, preprocessing: Mapping[str, Any], latents: int) -> None:
        super().__init__()
        self.graph = graph
        self._prepare = from_description({**preprocessing, "fit": "native"})
        self.bottleneck = nn.Conv2d(_channels(graph), latents, 1)

    def features(self, x: Tensor) -> Tensor:
        """The output of the layer, before the bottleneck."""
        features: Tensor = self.graph(self._prepare(x))[self.graph.outputs[0]]
        return features

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to latents."""
        return exact(self.bottleneck, self.features(x))


class Back(nn.Module):
    """The way back from the bottleneck, and a recogniser's other operations."""

    def __init__(self, graph: Graph, latents: int, features: int) -> None:
        super().__init__()
        self.restore = nn.Conv2d(latents, features, 1)
        self.graph = graph

    def forward(self, latents: Tensor) -> Tensor:
        """Map latents to logits, (N, classes)."""
        logits: Tensor = self.graph(self.restore(latents))[self.graph.outputs[0]]
        return logits.flatten(1)


def _cut(recogniser: Mapping[str, Any], latents: int) -> tuple["Front", "Back"]:
    ops = recogniser["ops"]
    front, back = halves(ops, recogniser["output"], recogniser["layer"]).graphs(blank(ops))
    analysis = Front(front, recogniser["input"], latents)
    return analysis, Back(back, latents, _channels(front))


@torch.no_grad()
def _channels(graph: Graph) -> int:
    (features,) = graph(torch.zeros(1, 3, _SIDE, _SIDE)).values()
    if features.ndim != 4 or features.shape[-1] < 2:
        raise ValueError("the layer's output is no map of features")
    channels: int = features.shape[1]
    return channels


class _Synthesis(nn.Module):
    """From latents to pictures: convolutions, leaky ReLUs, and channels that become 2×2 pixels."""

    def __init__(self, latents: int, width: int, stride: int) -> None:
        super().__init__()
        # The last doubling makes pixels of channels; before it no map is larger than half the size.
        doublings = stride.bit_length() - 2
        widths: Sequence[int] = [width * min(4, 1 << one) for one in range(doublings, -1, -1)]
        self.enter = nn.Conv2d(latents, widths[0], 3, padding=1)
        self.larger = nn.ModuleList(
            nn.Conv2d(before, 4 * after, 3, padding=1) for before, after in pairwise(widths)
        )
        self.leave = nn.Conv2d(widths[-1], 12, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        features = functional.leaky_relu(self.enter(latents), _SLOPE)
        for larger in self.larger:
            enlarged = functional.pixel_shuffle(larger(features), 2)
            features = functional.leaky_relu(enlarged, _SLOPE)
        return functional.pixel_shuffle(exact(self.leave, features), 2) + 0.5
