"""Recognisers from files: a list of operations, or an architecture and its weights."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from neurocodec.errors import BadInputError, MissingError
from neurocodec.networks.recognisers import load
from neurocodec.networks.recognisers.preprocessing import from_torchvision
from tests.networks.recogniser_files import CLASSIFIER, CLASSIFIER_OPS, conv, weights, write

X = torch.rand(2, 3, 40, 56, generator=torch.Generator().manual_seed(3))


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


@pytest.mark.parametrize("name", ["features.0.bias", "extra"])
def test_a_state_dict_must_be_the_whole_network_and_no_more(tmp_path: Path, name: str) -> None:
    state = _small_squeezenet().state_dict()
    if state.pop(name, None) is None:
        state[name] = torch.zeros(1)
    description = {"arch": "squeezenet1_1", "settings": {"num_classes": 5}}
    with pytest.raises(BadInputError, match=name):
        load(str(write(tmp_path, description, state)))


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
    with pytest.raises(BadInputError, match="not a safetensors file"):
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
    files = sorted(data_folder("models").glob("*.json"))
    kinds = {load(str(path.with_suffix(".safetensors"))).kind for path in files}
    assert kinds == {"classification", "detection", "segmentation", "pose"}
