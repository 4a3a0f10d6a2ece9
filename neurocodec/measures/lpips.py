"""Learned perceptual image patch similarity."""

import pickle
import warnings
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor
from torchvision.models import AlexNet_Weights

from neurocodec.errors import BadInputError
from neurocodec.images import Image
from neurocodec.networks.tensors import to_tensor

WEIGHTS_URL: str = AlexNet_Weights.IMAGENET1K_V1.url
MIN_SIDE = 32
_OF_SQUEEZENET = "features.12.expand3x3.weight"


def lpips(original: Image, decoded: Image, weights: Path) -> float | None:
    """LPIPS 0.1 with AlexNet or SqueezeNet, of Zhang et al. (2018), by lpips.

    A distance: lower is better.

    Args:
        original: any size.
        decoded: of that size.
        weights: AlexNet's or SqueezeNet 1.1's ImageNet weights under torchvision's names,
            .safetensors or .pth, and perhaps LPIPS's linear layers (lin0 …), otherwise the
            package's.

    Returns:
        0 where the images are equal; None for a side below 32 px, too small for the network.

    Raises:
        BadInputError: the file of weights cannot be read, or is of another network.
        ValueError: the sizes differ.
    """
    network = _network(weights)
    if min(original.width, original.height) < MIN_SIDE:
        return None
    x, x_hat = to_tensor([original, decoded]).chunk(2)
    with torch.inference_mode():
        return float(network(x, x_hat, normalize=True))


def cached_weights() -> Path:
    """The file in which torchvision keeps AlexNet's weights once it has downloaded them."""
    return Path(str(torch.hub.get_dir())) / "checkpoints" / WEIGHTS_URL.rsplit("/", 1)[-1]


@lru_cache(maxsize=1)
def _network(path: Path) -> Any:
    try:
        tensors = _tensors(path)
        network = _untrained("squeeze" if _OF_SQUEEZENET in tensors else "alex")
        # The package cuts networks into slices: slice2.3.weight is features.3.weight.
        names = {name: f"features.{name.partition('.')[2]}" for name in network.net.state_dict()}
        network.net.load_state_dict({name: tensors[names[name]] for name in names})
        heads = {name[3:]: tensor for name, tensor in tensors.items() if name.startswith("lin")}
        if heads:
            network.lins.load_state_dict(heads)
    except (
        OSError,
        LookupError,
        ValueError,
        RuntimeError,
        SafetensorError,
        pickle.UnpicklingError,
    ) as exc:
        raise BadInputError(
            f"{path}: cannot be read as AlexNet's or SqueezeNet 1.1's weights under torchvision's "
            "names"
        ) from exc
    return network


def _untrained(net: str) -> Any:
    package: Any = import_module("lpips")  # slow to import, and seldom needed
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # torchvision's on an argument that the package passes
        return package.LPIPS(net=net, pnet_rand=True, verbose=False)


def _tensors(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    tensors: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return tensors
