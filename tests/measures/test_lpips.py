"""LPIPS: its weights, and its value with them."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torchvision.models import alexnet

from neurocodec.errors import BadInputError, MissingError
from neurocodec.measures import lpips as module
from neurocodec.measures.lpips import lpips
from tests.conftest import picture

A, B = picture(64, 48), picture(64, 48, seed=1)


@pytest.fixture(scope="module")
def backbone() -> dict[str, torch.Tensor]:
    """AlexNet's convolutions under torchvision's names, with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        features = alexnet(weights=None).features.state_dict()
    return {f"features.{name}": tensor for name, tensor in features.items()}


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backbone) -> Path:
    """Torch's cache with AlexNet in it, where torchvision leaves it."""
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    weights = tmp_path / "hub/checkpoints/alexnet-owt-7be5be79.pth"
    weights.parent.mkdir(parents=True)
    torch.save({**backbone, "classifier.1.bias": torch.zeros(4096)}, weights)
    return weights


def test_the_value_with_the_published_weights(data_folder):
    weights = data_folder("models") / "lpips_alex.safetensors"
    assert lpips(A, B, weights) == pytest.approx(0.2281664, abs=1e-6)
    assert lpips(A, A, weights) == 0


def test_the_linear_layers_come_from_the_file_else_from_the_package(tmp_path, data_folder):
    weights = data_folder("models") / "lpips_alex.safetensors"
    tensors = safetensors.torch.load_file(weights)
    convolutions = {k: v for k, v in tensors.items() if k.startswith("features.")}
    safetensors.torch.save_file(convolutions, tmp_path / "alexnet.safetensors")
    assert lpips(A, B, tmp_path / "alexnet.safetensors") == lpips(A, B, weights)
    heads = {k: 2 * v for k, v in tensors.items() if k.startswith("lin")}
    safetensors.torch.save_file({**convolutions, **heads}, tmp_path / "double.safetensors")
    doubled = lpips(A, B, tmp_path / "double.safetensors")
    assert doubled == pytest.approx(2 * lpips(A, B, weights), rel=1e-5)


def test_a_named_file_needs_no_cache(cached, tmp_path, backbone):
    expected = lpips(A, B)
    weights = tmp_path / "alexnet.safetensors"
    safetensors.torch.save_file(backbone, weights)
    cached.unlink()
    module._network.cache_clear()
    assert lpips(A, B, weights) == expected > 0
    with pytest.raises(MissingError, match="--lpips-weights"):
        lpips(A, B)


def test_31_px_are_too_small(cached):
    assert lpips(picture(31, 90), picture(31, 90, seed=1)) is None
    assert lpips(picture(32, 32), picture(32, 32, seed=1)) > 0


def test_a_file_of_something_else_is_refused(tmp_path, backbone):
    other = {**backbone, "features.0.weight": torch.zeros(3)}
    safetensors.torch.save_file(other, tmp_path / "shape.safetensors")
    safetensors.torch.save_file({"x": torch.zeros(3)}, tmp_path / "empty.safetensors")
    (tmp_path / "text.pth").write_text("no weights")
    torch.save(Path("a pickled object"), tmp_path / "object.pth")
    for name in ("shape.safetensors", "empty.safetensors", "text.pth", "object.pth"):
        with pytest.raises(BadInputError, match="AlexNet"):
            lpips(A, B, tmp_path / name)
