"""The beginning of SPIC as a recogniser that is cut in two, a bottleneck between its halves."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from neurocodec.errors import BadInputError, UsageError
from neurocodec.images import Image
from neurocodec.networks import recognisers
from neurocodec.networks.recognisers.graph import Graph
from neurocodec.networks.recognisers.splitting import halves
from neurocodec.networks.spic import Back, Front, Spic
from neurocodec.networks.tensors import to_tensor

_LARGEST_DEVIATION = 12.0  # of a latent: well within the density's reach
_LEAST_POWER = 1e-6
_BATCH = 8


def split(model: str, layer: str, settings: Mapping[str, Any], images: Sequence[Image]) -> Spic:
    """The network of a recogniser that is cut after a layer.

    Args:
        model: a classifier of operations, as `recognisers.load` takes it.
        layer: the name of an operation.
        settings: others of `Spic`.
        images: training pictures of one size, whose features there the bottleneck begins from.

    Raises:
        UsageError: no such model or layer, or one that cannot be cut.
        MissingError: the model's weights cannot be had.
        BadInputError: there are no images.
    """
    description, graph = _classifier(model)
    try:
        network = Spic(**settings, recogniser={**description, "layer": layer})
    except ValueError as exc:
        raise UsageError(f"{model}: {exc}") from None
    _load_halves(network, graph)
    _start_bottleneck(network, images)
    return network


def renew(network: Spic, model: str, layer: str) -> Spic:
    """Give a network of a cut recogniser that recogniser's halves again; the rest stays.

    Raises:
        UsageError: the network is of another recogniser, or cut elsewhere.
        MissingError: the model's weights cannot be had.
    """
    description, graph = _classifier(model)
    if network.config["recogniser"] != {**description, "layer": layer}:
        raise UsageError(f"--from is not of {model} cut after {layer}: leave out --split")
    _load_halves(network.requires_grad_(True), graph)
    return network


def _classifier(model: str) -> tuple[dict[str, Any], Graph]:
    """What is kept of a recogniser's description, and its operations."""
    recogniser = recognisers.load(model)
    graph, description = recogniser.network, recogniser.description
    if not isinstance(graph, Graph) or "output" not in description:
        raise UsageError(f"{model}: cannot be cut: only classifiers of operations can")
    return {key: description[key] for key in ("ops", "output", "input")}, graph


def _load_halves(network: Spic, graph: Graph) -> None:
    front, back, kept = network.analysis, network.classifier, network.config["recogniser"]
    assert isinstance(front, Front) and isinstance(back, Back)
    halved = halves(kept["ops"], kept["output"], kept["layer"]).graphs(graph.tensors())
    for half, weights in zip((front.graph, back.graph), halved, strict=True):
        half.load_state_dict(weights.state_dict())


@torch.no_grad()
def _start_bottleneck(network: Spic, images: Sequence[Image]) -> None:
    """Begin with the principal components, those of most power first, by what the classes feel.

    Lengths of features are measured by `_metric`, so that an equal step of rounding does equal
    harm to the classes along every component.
    """
    front, back = network.analysis, network.classifier
    assert isinstance(front, Front) and isinstance(back, Back)
    if not images:
        raise BadInputError("none of the training pictures can be read: name another --data")
    maps = [front.features(to_tensor(part)) for part in _batches(images)]
    features = torch.cat([_places(part) for part in maps])
    mean, latents = features.mean(0), network.config["latents"]
    squares, directions = torch.linalg.eigh(_metric(back.graph, maps))
    lengths = squares.sqrt()
    stretch, shrink = directions * lengths @ directions.T, directions / lengths @ directions.T
    powers, axes = torch.linalg.eigh(stretch @ torch.cov((features - mean).T) @ stretch)
    count = min(latents, len(powers))
    powers, axes = powers.flip(0)[:count], axes.flip(1)[:, :count]
    deviations = powers.clamp_min(_LEAST_POWER).sqrt()
    gain = _LARGEST_DEVIATION / deviations[0]
    down, up = torch.zeros(latents, len(mean)).double(), torch.zeros(len(mean), latents).double()
    down[:count], up[:, :count] = axes.T @ stretch * gain, shrink @ axes / gain
    front.bottleneck.load_state_dict({"weight": _kernel(down), "bias": -(down @ mean).float()})
    back.restore.load_state_dict({"weight": _kernel(up), "bias": mean.float()})
    spread = torch.ones(latents)
    spread[:count] = (deviations * gain).float()
    network.density.start_from(spread)


def _metric(back: Graph, maps: Sequence[Tensor]) -> Tensor:
    """How much the classes feel a difference of features: (channels, channels), positive definite.

    Half is the Fisher information of the predicted classes, E[g·gᵀ] with g = ∂log p(c)/∂features
    of a class c that is drawn from the prediction: to second order the divergence that a
    difference d of features makes is ½·dᵀ·E[g·gᵀ]·d. The other half is the identity: all features
    make pixels. Both have the same trace.
    """
    channels = maps[0].shape[1]
    information = torch.zeros(channels, channels).double()
    draw = torch.Generator().manual_seed(0)
    for features in maps:
        with torch.enable_grad():
            read = features.detach().requires_grad_(True)
            scores = back(read)[back.outputs[0]].flatten(1).log_softmax(1)
            drawn = torch.multinomial(scores.detach().exp(), 1, generator=draw)
            (gradient,) = torch.autograd.grad(scores.gather(1, drawn).sum(), read)
        information += _places(gradient).T @ _places(gradient)
    scale = channels / information.trace().clamp_min(_LEAST_POWER)
    return (information * scale + torch.eye(channels)) / 2


def _batches(images: Sequence[Image]) -> list[Sequence[Image]]:
    return [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]


def _places(maps: Tensor) -> Tensor:
    """(places, channels), float64."""
    return maps.movedim(1, -1).flatten(0, 2).double()


def _kernel(matrix: Tensor) -> Tensor:
    return matrix.float()[..., None, None]
