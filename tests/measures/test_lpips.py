"""LPIPS, on a backbone of random weights: where it finds them, and what it computes with them."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torchmetrics.functional.image import learned_perceptual_image_patch_similarity
from torchvision.models import alexnet

from neurocodec.errors import BadInputError, MissingError
from neurocodec.measures import lpips as module
from neurocodec.measures.lpips import lpips
from neurocodec.networks.tensors import to_tensor
from tests.conftest import picture

A, B = picture(64, 48), picture(64, 48, seed=1)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of torch's that has AlexNet, as torchvision would leave it."""
    folder = tmp_path_factory.mktemp("hub")
    weights = folder / "checkpoints" / "alexnet-owt-7be5be79.pth"
    weights.parent.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(alexnet(weights=None).state_dict(), weights)
    return folder


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, hub: Path) -> Path:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(hub))
    return hub


def test_is_torchmetrics_on_the_same_weights(cache):
    x, x_hat = to_tensor([A, B]).chunk(2)
    theirs = learned_perceptual_image_patch_similarity(x, x_hat, net_type="alex", normalize=True)
    assert lpips(A, B) == pytest.approx(float(theirs), rel=1e-6)
    assert lpips(A, A) == 0 < lpips(A, B)


def test_a_named_file_needs_no_cache(cache, tmp_path, monkeypatch):
    expected = lpips(A, B)
    weights = tmp_path / "alexnet.safetensors"
    safetensors.torch.save_file(torch.load(module.cached_weights(), weights_only=True), weights)
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    assert lpips(A, B, weights) == expected
    with pytest.raises(MissingError, match="--lpips-weights"):
        lpips(A, B)


def test_31_px_are_too_small(cache):
    assert lpips(picture(31, 90), picture(31, 90, seed=1)) is None
    assert lpips(picture(32, 32), picture(32, 32, seed=1)) > 0


def test_a_file_of_something_else_is_refused(tmp_path):
    other = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"features.0.weight": torch.zeros(3)}, other)
    (tmp_path / "text.pth").write_text("no weights")
    torch.save(Path("a pickled object"), tmp_path / "object.pth")
    for path in (other, tmp_path / "text.pth", tmp_path / "object.pth"):
        with pytest.raises(BadInputError, match="AlexNet"):
            lpips(A, B, path)
