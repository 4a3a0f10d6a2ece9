"""Example pictures and Grad-CAM."""

import io
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import torch
from neurocodec.evaluation.examples import ClassifierCam, make, shown
from torch import nn

from neurocodec.errors import UsageError
from neurocodec.evaluation.results import Point
from neurocodec.evaluation.selection import Curve, gather
from neurocodec.images import Image, png
from neurocodec.networks.recognisers import Recogniser
from neurocodec.networks.recognisers.preprocessing import Preprocessing
from tests.conftest import picture
from tests.evaluation.made import SETUP


class _MeanColour(nn.Module):
    """Three classes: how red, how green, how blue the picture is."""

    def __init__(self) -> None:
        super().__init__()
        self.copy = nn.Conv2d(3, 3, 1, bias=False)
        self.copy.weight.data = torch.eye(3)[:, :, None, None]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.copy(x).mean((2, 3))


@pytest.fixture
def recogniser() -> Recogniser:
    preprocessing = Preprocessing("crop", 32, 32, mul=(1 / 255,) * 3, channels="BGR")
    return Recogniser("colours", "classification", _MeanColour(), preprocessing)


@pytest.fixture
def cam(recogniser: Recogniser) -> ClassifierCam:
    return ClassifierCam(recogniser)


@pytest.fixture
def halves() -> Image:
    """Red on the left, bluer on the right, 64×32, so that cropping cuts both ends."""
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, :32, 0] = 250
    pixels[:, 32:, 2] = 255
    return Image(pixels)


def _curve(pre: str, codec: str = "jpeg") -> Curve:
    setup = replace(SETUP, codec=codec, pre=pre)
    return gather([Point(setup, None, q, q / 50, {"kl": -1 / q}) for q in (20, 40, 60, 80)])[0]


def test_attention_is_where_the_class_is(cam, halves):
    expected = np.repeat([[1.0, 0.0]], 16, axis=1).repeat(32, axis=0)
    for class_index, attention in ((2, expected), (0, 1 - expected)):  # BGR: red is class 2
        assert cam.attention(halves, class_index) == pytest.approx(attention, abs=1e-3)


def test_the_overlay_is_red_where_the_attention_is(cam, halves):
    hot, cold = (cam.overlay(halves, 2).pixels[16, x].astype(int) for x in (4, 28))
    assert hot[0] > hot[2]
    assert cold[2] > cold[0]


def test_what_the_network_sees_is_cropped_and_in_its_own_colours(cam, halves):
    assert np.array_equal(cam.seen(halves).pixels, halves.pixels[:, 16:48])


def test_the_answer_is_the_likeliest_class(cam, halves):
    class_index, chance = cam.answer(halves)
    assert class_index == 0
    assert 0.33 < chance < 0.6


def test_other_tasks_have_no_examples():
    with pytest.raises(UsageError, match="need a classifier"):
        ClassifierCam(Recogniser("d", "detection", _MeanColour(), None))


def test_a_classifier_without_convolutions_is_refused():
    flat = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 4, 1), nn.Flatten())
    whole = Preprocessing("crop", 8, 8)
    with pytest.raises(UsageError, match="no convolution"):
        ClassifierCam(Recogniser("f", "classification", flat, whole))


def test_an_example_has_every_panel(recogniser, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(picture(60, 40)))
    curves = [_curve("blur:sigma=2"), _curve("scale:factor=0.5")]
    examples = list(make([path], curves, recogniser))
    assert [example.title for example in examples] == [
        "a.png: jpeg, blur:sigma=2, quality 60",
        "a.png: jpeg, scale:factor=0.5, quality 60",
    ]
    original, filtered, decoded, difference = map(_pixels, examples[0].pictures)
    assert np.array_equal(original, picture(60, 40).pixels)
    assert filtered.std() < original.std()
    expected = np.clip(128 + 4 * (decoded.astype(int) - original), 0, 255)
    assert np.array_equal(difference, expected)
    assert _pixels(examples[1].pictures[1]).shape == (20, 30, 3)
    assert _pixels(examples[1].pictures[2]).shape == (40, 60, 3)
    assert [len(example.attention) for example in examples] == [3, 3]


def _pixels(panel: object) -> np.ndarray:
    with PIL.Image.open(io.BytesIO(panel.png)) as opened:
        return np.asarray(opened)


def test_shown_are_the_filters_of_one_codec_or_the_codec_alone():
    plain, blur, scale = _curve("none"), _curve("blur"), _curve("scale")
    assert shown([plain, blur, _curve("blur", "bpg"), scale]) == [blur, scale]
    assert shown([_curve("none", "bpg"), plain, blur]) == [blur]
    assert shown([plain, _curve("none", "bpg")]) == [plain]
