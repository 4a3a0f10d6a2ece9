"""Learned perceptual image patch similarity."""

import pickle
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor
from torchvision.models import AlexNet_Weights

from neurocodec.errors import BadInputError, MissingError
from neurocodec.images import Image
from neurocodec.networks.tensors import to_tensor

_URL: str = AlexNet_Weights.IMAGENET1K_V1.url
_SLICE_STARTS = (0, 2, 5, 8, 10)
MIN_SIDE = 32


def lpips(original: Image, decoded: Image, weights: Path | None = None) -> float | None:
    """LPIPS 0.1 with AlexNet, of Zhang et al. (2018), by lpips. A distance: lower is better.

    Args:
        original: any size.
        decoded: of that size.
        weights: AlexNet's ImageNet weights under torchvision's names, .safetensors or .pth, and
            perhaps LPIPS's linear layers (lin0 to lin4), otherwise the package's; None takes
            AlexNet from torch's cache.

    Returns:
        0 where the images are equal; None for a side below 32 px, too small for AlexNet.

    Raises:
        MissingError: the weights do not exist.
        BadInputError: the file of weights is damaged or of another network.
        ValueError: the sizes differ.
    """
    network = _network(weights or cached_weights())
    if min(original.width, original.height) < MIN_SIDE:
        return None
    x, x_hat = to_tensor([original, decoded]).chunk(2)
    with torch.inference_mode():
        return float(network(x, x_hat, normalize=True))


def cached_weights() -> Path:
    """The file in which torchvision keeps AlexNet's weights once it has downloaded them."""
    return Path(str(torch.hub.get_dir())) / "checkpoints" / _URL.rsplit("/", 1)[-1]


@lru_cache(maxsize=1)
def _network(path: Path) -> Any:
    network = _untrained()
    try:
        tensors = _tensors(path)
        network.net.load_state_dict(_named_after(tensors, "features.", _slice))
        heads = _named_after(tensors, "lin", str)
        network.lins.load_state_dict(heads or _named_after(_packaged_heads(), "lin", str))
    except FileNotFoundError:
        raise MissingError(
            f"{path}: LPIPS's AlexNet weights are absent: "
            f"download {_URL} and name the file with --lpips-weights"
        ) from None
    except (OSError, ValueError, RuntimeError, SafetensorError, pickle.UnpicklingError) as exc:
        raise BadInputError(f"{path}: not AlexNet's weights under torchvision's names") from exc
    return network


def _untrained() -> Any:
    package: Any = import_module("lpips")  # slow to import, and seldom needed
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # torchvision's on an argument that the package passes
        return package.LPIPS(net="alex", pretrained=False, pnet_rand=True, verbose=False)


def _packaged_heads() -> dict[str, Tensor]:
    return _tensors(Path(str(files("lpips") / "weights/v0.1/alex.pth")))


def _named_after(
    tensors: Mapping[str, Tensor], prefix: str, renamed: Callable[[str], str]
) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix`, under their renamed rest."""
    return {
        renamed(name.removeprefix(prefix)): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _slice(name: str) -> str:
    """The name of a layer's tensor in LPIPS, which cuts AlexNet into five slices."""
    layer = int(name.partition(".")[0])
    return f"slice{sum(start <= layer for start in _SLICE_STARTS)}.{name}"


def _tensors(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    tensors: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return tensors
