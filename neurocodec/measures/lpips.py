"""Learned perceptual image patch similarity."""

import pickle
from functools import lru_cache
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor
from torchmetrics.functional.image.lpips import _LPIPS
from torchvision.models import AlexNet_Weights, alexnet

from neurocodec.errors import BadInputError, MissingError
from neurocodec.images import Image
from neurocodec.networks.tensors import to_tensor

_URL: str = AlexNet_Weights.IMAGENET1K_V1.url
MIN_SIDE = 32
_SLICE_STARTS = (0, 2, 5, 8, 10)


def lpips(original: Image, decoded: Image, weights: Path | None = None) -> float | None:
    """LPIPS 0.1 with AlexNet, of Zhang et al. (2018), by torchmetrics. A distance: less is better.

    Args:
        original: any size.
        decoded: of that size.
        weights: AlexNet's ImageNet weights, torchvision's layout, .safetensors or .pth; None
            takes torch's cache. The five linear layers come with torchmetrics.

    Returns:
        0 where the pictures are equal; None for a side below 32 px, too small for AlexNet.

    Raises:
        MissingError: the weights are not there.
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
    """Where torchvision keeps AlexNet's weights once it has downloaded them."""
    return Path(str(torch.hub.get_dir())) / "checkpoints" / _URL.rsplit("/", 1)[-1]


@lru_cache(maxsize=1)
def _network(path: Path) -> _LPIPS:
    network = _LPIPS(net="alex", pnet_rand=True)
    backbone = alexnet(weights=None)
    try:
        backbone.load_state_dict(_tensors(path))
    except FileNotFoundError:
        raise MissingError(
            f"{path}: LPIPS's AlexNet weights are absent: "
            f"download {_URL} and name the file with --lpips-weights"
        ) from None
    except (OSError, ValueError, RuntimeError, SafetensorError, pickle.UnpicklingError) as exc:
        raise BadInputError(f"{path}: not AlexNet's weights in torchvision's layout") from exc
    network.net.load_state_dict(
        {
            f"slice{_slice(int(name.split('.')[0]))}.{name}": tensor
            for name, tensor in backbone.features.state_dict().items()
        }
    )
    return network


def _slice(layer: int) -> int:
    """Which of LPIPS's five slices of the network a layer is in, from 1."""
    return sum(start <= layer for start in _SLICE_STARTS)


def _tensors(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    tensors: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return tensors
