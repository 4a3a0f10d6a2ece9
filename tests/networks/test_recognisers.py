"""The doors by which recognisers come in, and the pictures that they see."""

import hashlib
import json
import sys
import urllib.error
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import PIL.Image
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.networks.recognisers import load
from neurocodec.networks.recognisers.preprocessing import (
    Preprocessing,
    from_description,
    from_torchvision,
)
from tests.networks.recogniser_files import CLASSIFIER, CLASSIFIER_OPS, conv, weights, write

X = torch.rand(2, 3, 40, 56, generator=torch.Generator().manual_seed(3))


# --- preprocessing ---------------------------------------------------------------------------


def test_a_picture_of_the_right_size_is_only_normalised() -> None:
    x = torch.rand(1, 3, 16, 16)
    preprocessing = from_description(CLASSIFIER["input"], "crop")
    bgr = torch.stack([x[:, 2], x[:, 1], x[:, 0]], 1) * 255
    expected = (bgr - torch.tensor([104.0, 117, 123]).view(3, 1, 1)) * 0.01
    assert torch.allclose(preprocessing(x), expected, atol=1e-5)


def test_crop_is_pillows_antialiased_resize_then_the_centre() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (90, 130, 3), np.uint8)
    shrunk = PIL.Image.fromarray(pixels).resize((46, 32), PIL.Image.Resampling.BILINEAR)
    expected = np.asarray(shrunk, np.float32)[4:28, 11:35]
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    made = Preprocessing("crop", size=24, resize=32)(x)[0].permute(1, 2, 0).numpy()
    assert np.abs(made - expected).max() < 1.01  # Pillow rounds after either direction


def test_letterbox_pads_right_and_bottom() -> None:
    preprocessing = from_description({"size": 28}, "letterbox")
    made = preprocessing(X)
    assert preprocessing.letterbox(40, 56) == (20, 28)
    assert made.shape == (2, 3, 28, 28)
    assert torch.allclose(made[:, :, 20:], torch.tensor(114.0))
    assert made[:, :, :20].std() > 20


def test_the_shorter_side_alone_can_be_fitted() -> None:
    assert Preprocessing("shorter", size=20, resize=20)(X).shape == (2, 3, 20, 28)


def test_torchvision_presets_mean_the_same() -> None:
    preset = models.MobileNet_V2_Weights.DEFAULT.transforms()
    made = from_torchvision(preset)
    x = torch.rand(1, 3, 240, 300)
    assert made is not None
    assert torch.allclose(made(x), preset(x), atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"size": "big"},
        {"size": 0},
        {"size": 224, "resize": 200},
        {"size": 224, "channels": "GRB"},
        {"size": 224, "mean": [0.5, 0.5, 0.5]},
        {"size": 224, "mean": 0.5, "std": 0},
        {"size": 224, "sub": [1, 2]},
        {"size": 224, "fit": "stretch"},
        {"size": 224, "interpolation": "sinc"},
    ],
)
def test_a_wrong_preprocessing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        from_description(wrong, "crop")


# --- files -----------------------------------------------------------------------------------


def test_a_list_of_operations_gives_logits(tmp_path: Path) -> None:
    path = write(tmp_path, CLASSIFIER)
    recogniser = load(str(path))
    logits = recogniser(X)
    assert (recogniser.kind, recogniser.name) == ("classification", "tiny.net")
    assert logits.shape == (2, 10)
    assert torch.equal(logits, load(str(path))(X))
    assert recogniser.model_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_half_precision_weights_run_in_single(tmp_path: Path) -> None:
    halves = {name: tensor.half() for name, tensor in weights(CLASSIFIER_OPS).items()}
    half = load(str(write(tmp_path, CLASSIFIER, halves)))(X)
    whole = load(str(write(tmp_path, CLASSIFIER)))(X)
    assert half.dtype == torch.float32
    assert torch.allclose(half, whole, atol=1e-2)


def test_the_gradient_reaches_the_picture_and_not_the_weights(tmp_path: Path) -> None:
    recogniser = load(str(write(tmp_path, CLASSIFIER)))
    x = X.clone().requires_grad_()
    nn.Sequential(recogniser).train()(x).square().sum().backward()
    assert x.grad is not None
    assert (x.grad[..., 10:30, 12:44].abs().sum(1) > 0).all()
    assert not any(p.requires_grad or p.grad is not None for p in recogniser.parameters())
    assert not any(module.training for module in recogniser.network.modules())


def test_heads_make_it_a_detector(tmp_path: Path) -> None:
    ops = [
        {"op": "focus", "name": "focus", "input": "input"},
        conv("reg", "focus", (12, 4)),
        conv("obj", "focus", (12, 1), act="sigmoid"),
        conv("cls", "focus", (12, 7), act="sigmoid"),
    ]
    heads = [{"reg": "reg", "obj": "obj", "cls": "cls"}]
    description = {"input": {"size": 32}, "heads": heads, "strides": [2], "ops": ops}
    recogniser = load(str(write(tmp_path, description, weights(ops))))
    found = recogniser(X)
    assert recogniser.kind == "detection"
    assert recogniser.description["heads"] == heads
    assert {name: tuple(t.shape) for name, t in found.items()} == {
        "reg": (2, 4, 16, 16),
        "obj": (2, 1, 16, 16),
        "cls": (2, 7, 16, 16),
    }


def _small_squeezenet() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return models.squeezenet1_1(num_classes=5).eval()


def test_an_architecture_with_weights(tmp_path: Path) -> None:
    network = _small_squeezenet()
    description = {
        "arch": "squeezenet1_1",
        "settings": {"num_classes": 5},
        "preprocessing": {"size": 40, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]},
    }
    recogniser = load(str(write(tmp_path, description, network.state_dict())))
    x = torch.rand(2, 3, 40, 40)
    assert torch.allclose(recogniser(x), network((x - 0.5) / 0.25), atol=1e-4)


def test_an_architecture_named_in_the_files_metadata(tmp_path: Path) -> None:
    metadata = {"arch": "squeezenet1_1", "settings": '{"num_classes": 5}'}
    path = tmp_path / "a b.safetensors"
    save_file(_small_squeezenet().state_dict(), path, metadata)
    recogniser = load(str(path))
    assert recogniser.preprocessing == from_torchvision(
        models.SqueezeNet1_1_Weights.DEFAULT.transforms()
    )
    assert recogniser(X).shape == (2, 5)


def test_a_file_that_nothing_describes(tmp_path: Path) -> None:
    path = write(tmp_path, {})
    for description in ("{}", None):
        beside = path.with_suffix(".json")
        beside.unlink() if description is None else beside.write_text(description)
        with pytest.raises(MissingError, match=r'write \{"arch": .* into tiny\.net\.json'):
            load(str(path))


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(MissingError, match=r"nowhere\.safetensors: no such file"):
        load("nowhere.safetensors")


@pytest.mark.parametrize("cut", [0, 5, 30, -8])
def test_a_damaged_file(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path, CLASSIFIER)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BadInputError, match="not a whole safetensors file"):
        load(str(path))


@pytest.mark.parametrize("text", ["{", "[]", '"ops"', "\ud800"])
def test_a_damaged_description(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, {})
    path.with_suffix(".json").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(BadInputError, match=r"tiny\.net\.json"):
        load(str(path))


@pytest.mark.parametrize(
    "change",
    [
        {"ops": []},
        {"ops": None},
        {"ops": [*CLASSIFIER_OPS[:1], *CLASSIFIER_OPS[2:]]},
        {"output": "nothing"},
        {"input": None},
        {"input": {"size": 1, "sub": None}},
        {"heads": ["reg"]},
        {"ops": [{**CLASSIFIER_OPS[0], "groups": 0}, *CLASSIFIER_OPS[1:]]},
        {"ops": [*CLASSIFIER_OPS, {"op": "add", "name": "x", "inputs": ["stem"]}]},
        {
            "ops": [*CLASSIFIER_OPS, {"op": "concat", "name": "x", "inputs": ["stem", "input"]}],
            "output": "x",
        },
        {"ops": None, "arch": "mobilenet_v2"},
    ],
)
def test_a_description_that_does_not_fit(tmp_path: Path, change: dict[str, object]) -> None:
    path = write(tmp_path, {**CLASSIFIER, **change})
    with pytest.raises(BadInputError, match="does not fit its description") as caught:
        load(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "description",
    [
        {"arch": "squeezenet1_1"},
        {"arch": "squeezenet9"},
        {"arch": 3},
        {"arch": "squeezenet1_1", "settings": {"colour": "red"}},
        {"arch": "squeezenet1_1", "settings": 3},
        {"arch": "squeezenet1_1", "settings": {"num_classes": 5}, "preprocessing": {}},
    ],
)
def test_an_architecture_that_does_not_fit(tmp_path: Path, description: object) -> None:
    path = write(tmp_path, description, _small_squeezenet().state_dict())
    with pytest.raises(BadInputError, match="does not fit its description") as caught:
        load(str(path))
    assert "\n" not in str(caught.value)


# --- names -----------------------------------------------------------------------------------


def test_random_weights_are_the_same_every_time() -> None:
    state = torch.random.get_rng_state()
    first, second = load("squeezenet1_1:random"), load("squeezenet1_1:random")
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
        ("resnet50.pth", "give a name or a .safetensors file"),
        ("models/resnet50", "give a name or a .safetensors file"),
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
    with pytest.raises(UsageError, match="timm has no model called 'modenet'"):
        load("timm:modenet")
    with pytest.raises(MissingError, match=r"cannot be downloaded \(no hub\)"):
        load("meannet")


# --- the real models -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["squeezenet1_0", "mobilenet_v2_1.0_224"])
def test_real_state_dicts_load_into_torchvision(data_folder, tmp_path: Path, name: str) -> None:
    source = data_folder("models") / f"{name}.torchvision.safetensors"
    link = tmp_path / source.name
    link.symlink_to(source)
    beside = json.loads((data_folder("models") / f"{name}.json").read_text())
    arch = "squeezenet1_0" if name.startswith("squeeze") else "mobilenet_v2"
    description = {"arch": arch, "preprocessing": beside["input"]}
    link.with_suffix(".json").write_text(json.dumps(description))
    x = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    stock, graph = load(str(link))(x), load(str(data_folder("models") / f"{name}.safetensors"))(x)
    assert stock.shape == graph.shape == (1, 1000)
    if arch == "squeezenet1_0":  # mobilenet's stride-2 padding differs by one pixel
        assert torch.allclose(stock, graph, atol=1e-4)


def test_every_real_model_loads(data_folder) -> None:
    paths = sorted(data_folder("models").glob("*.json"))
    kinds = [load(str(path.with_suffix(".safetensors"))).kind for path in paths]
    assert sorted(set(kinds)) == ["classification", "detection"]
