"""LPIPS: its weights, and its value with them."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from lpips import LPIPS
from torchvision.models import alexnet, squeezenet1_1

from neurocodec.errors import BadInputError
from neurocodec.measures.lpips import lpips
from neurocodec.networks.tensors import to_tensor
from tests.conftest import picture

A, B = picture(64, 48), picture(64, 48, seed=1)


@pytest.fixture(scope="module")
def backbone() -> dict[str, torch.Tensor]:
    """AlexNet's convolutions under torchvision's names, with random weights."""
    with torch.device("meta"):
        features = alexnet(weights=None).features.state_dict()
    generator = torch.Generator().manual_seed(0)
    return {
        f"features.{name}": 0.1 * torch.randn(tensor.shape, generator=generator)
        for name, tensor in features.items()
    }


def test_the_value_with_the_published_weights(data_folder):
    weights = data_folder("models") / "lpips_alex.safetensors"
    assert lpips(A, B, weights) == pytest.approx(0.2281664, abs=1e-6)
    assert lpips(A, A, weights) == 0


def test_the_file_tells_squeezenet_from_alexnet(data_folder):
    weights = data_folder("models") / "lpips_squeeze.safetensors"
    assert lpips(A, B, weights) == pytest.approx(0.2111331, abs=1e-6)
    assert lpips(A, A, weights) == 0


@pytest.mark.filterwarnings("ignore::UserWarning:torchvision")
def test_squeezenets_weights_may_lack_the_linear_layers(tmp_path):
    """The package's are taken; the values are the package's own for the same backbone."""
    torch.manual_seed(0)
    network = squeezenet1_1(weights=None)
    torch.save(network.state_dict(), tmp_path / "squeezenet.pth")
    package = LPIPS(net="squeeze", pnet_rand=True, verbose=False)
    for slice_ in range(1, 8):
        for name, module in getattr(package.net, f"slice{slice_}").named_children():
            module.load_state_dict(network.features[int(name)].state_dict())

    with torch.inference_mode():
        expected = float(package(to_tensor([A]), to_tensor([B]), normalize=True))
    assert lpips(A, B, tmp_path / "squeezenet.pth") == pytest.approx(expected, rel=1e-5)


def test_the_linear_layers_come_from_the_file_else_from_the_package(tmp_path, data_folder):
    weights = data_folder("models") / "lpips_alex.safetensors"
    distance = lpips(A, B, weights)
    tensors = safetensors.torch.load_file(weights)
    convolutions = {k: v for k, v in tensors.items() if k.startswith("features.")}
    torch.save({**convolutions, "classifier.1.bias": torch.zeros(4096)}, tmp_path / "alexnet.pth")
    assert lpips(A, B, tmp_path / "alexnet.pth") == distance
    heads = {k: 2 * v for k, v in tensors.items() if k.startswith("lin")}
    safetensors.torch.save_file({**convolutions, **heads}, tmp_path / "double.safetensors")
    assert lpips(A, B, tmp_path / "double.safetensors") == pytest.approx(2 * distance, rel=1e-5)


def test_31_px_are_too_small(tmp_path, backbone):
    weights = tmp_path / "alexnet.safetensors"
    safetensors.torch.save_file(backbone, weights)
    assert lpips(picture(31, 90), picture(31, 90, seed=1), weights) is None
    assert lpips(picture(32, 32), picture(32, 32, seed=1), weights) > 0


def test_a_file_of_something_else_is_refused(tmp_path, backbone):
    other = {**backbone, "features.0.weight": torch.zeros(3)}
    safetensors.torch.save_file(other, tmp_path / "shape.safetensors")
    safetensors.torch.save_file({"x": torch.zeros(3)}, tmp_path / "empty.safetensors")
    (tmp_path / "text.pth").write_text("no weights")
    torch.save(Path("a pickled object"), tmp_path / "object.pth")
    for name in ("shape.safetensors", "empty.safetensors", "text.pth", "object.pth"):
        with pytest.raises(BadInputError, match="AlexNet"):
            lpips(A, B, tmp_path / name)
