"""Recognisers by name: torchvision's and timm's, with published and with random weights."""

import sys
import urllib.error
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import nn
from torchvision import models

from neurocodec.errors import MissingError, UsageError
from neurocodec.networks.recognisers import load

X = torch.rand(2, 3, 40, 56, generator=torch.Generator().manual_seed(3))


def test_random_weights_are_the_same_every_time() -> None:
    first = load("squeezenet1_1:random")
    with torch.random.fork_rng():
        torch.manual_seed(5)
        state = torch.random.get_rng_state()
        second = load("squeezenet1_1:random")
        assert torch.equal(state, torch.random.get_rng_state())
    assert first.model_sha256 == second.model_sha256
    assert torch.equal(first(X), second(X))
    assert load("shufflenet_v2_x0_5:random").model_sha256 != first.model_sha256


def test_a_random_detector_downloads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "download_url_to_file", _no_network)
    recogniser = load("ssdlite320_mobilenet_v3_large:random")
    assert (recogniser.kind, recogniser.preprocessing) == ("detection", None)
    with torch.no_grad():
        answers = recogniser(X)
    assert [sorted(answer) for answer in answers] == [["boxes", "labels", "scores"]] * 2


def test_a_random_segmentation_network() -> None:
    recogniser = load("lraspp_mobilenet_v3_large:random")
    assert recogniser.kind == "segmentation"
    with torch.no_grad():
        assert recogniser(X[:1])["out"].shape == (1, 21, 520, 728)


def _no_network(*args: object, **kwargs: object) -> None:
    raise urllib.error.URLError("no network")


def test_weights_that_cannot_be_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", _no_network)
    with pytest.raises(MissingError, match="squeezenet1_1: its weights cannot be downloaded"):
        load("squeezenet1_1")


def test_published_weights_are_read_without_free_unpickling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []
    state = models.squeezenet1_1().state_dict()

    def state_dict(self: object, *args: object, **options: object) -> dict[str, torch.Tensor]:
        asked.append(options.get("weights_only") is True)
        return state

    monkeypatch.setattr(models.SqueezeNet1_1_Weights, "get_state_dict", state_dict)
    network = load("squeezenet1_1").network
    assert asked[0]
    assert torch.equal(network.state_dict()["features.0.bias"], state["features.0.bias"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mobilenetv2", "did you mean mobilenet_v2"),
        ("raft_small", "write a torchvision name"),
        ("resnet50.pth", "a file ends in .safetensors"),
    ],
)
def test_an_unknown_name(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(name)


def test_an_unknown_device() -> None:
    with pytest.raises(UsageError, match="no device"):
        load("squeezenet1_1:random", "tpu")


def test_timm_is_asked_for_where_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingError, match="pip install timm"):
        load("timm:anything")


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in that knows one network, as timm's registry does."""

    def create_model(name: str, pretrained: bool) -> nn.Module:
        if pretrained:
            raise RuntimeError("no hub\nat all")
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4))

    settings = {
        "input_size": (3, 28, 28),
        "crop_pct": 0.875,
        "interpolation": "bicubic",
        "mean": (0.5, 0.5, 0.5),
        "std": (0.5, 0.5, 0.5),
    }
    module = ModuleType("timm")
    module.__spec__ = SimpleNamespace(name="timm")  # type: ignore[assignment]
    module.__dict__.update(
        is_model=lambda name: name == "meannet",
        create_model=create_model,
        get_pretrained_cfg=lambda name: SimpleNamespace(to_dict=lambda: settings),
        data=SimpleNamespace(resolve_data_config=lambda pretrained_cfg: pretrained_cfg),
    )
    monkeypatch.setitem(sys.modules, "timm", module)


@pytest.mark.usefixtures("timm")
def test_timm_names() -> None:
    recogniser = load("timm:meannet:random")
    assert recogniser.preprocessing is not None
    assert (recogniser.preprocessing.resize, recogniser.preprocessing.size) == (32, 28)
    assert recogniser(X).shape == (2, 4)
    assert load("meannet:random").model_sha256 == recogniser.model_sha256
    with pytest.raises(UsageError, match="no model is called 'timm:modenet'"):
        load("timm:modenet")
    with pytest.raises(MissingError, match=r"cannot be downloaded \(no hub\)"):
        load("meannet")
