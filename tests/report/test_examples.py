"""Example pictures."""

import io
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import torch
from torch import nn

from neurocodec.codecs import Level
from neurocodec.errors import UsageError
from neurocodec.evaluation.results import Point
from neurocodec.evaluation.selection import Curve, gather
from neurocodec.images import png
from neurocodec.networks.recognisers import Recogniser
from neurocodec.networks.recognisers.preprocessing import Preprocessing
from neurocodec.report.examples import Classifier, make, shown
from tests.conftest import picture
from tests.evaluation.made import SETUP


class _MeanColour(nn.Module):
    """Three classes: how red, how green, how blue the picture is."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(5.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight * x.mean((2, 3))


def _classifier(names: dict[int, str], kind: str = "classification") -> Classifier:
    preprocessing = Preprocessing("crop", 32, 32, mul=(1 / 255,) * 3)
    return Classifier(Recogniser("colours", kind, _MeanColour(), preprocessing), names)


def _curve(pre: str, codec: str = "jpeg") -> Curve:
    setup = replace(SETUP, codec=codec, pre=pre)
    levels = [Level("quality", value) for value in (20, 40, 60, 80)]
    return gather([Point(setup, one, one.value / 50, {"kl": -1 / one.value}) for one in levels])[0]


def test_a_class_has_its_name_where_the_data_has_one():
    red = replace(picture(40, 40), pixels=np.full((40, 40, 3), (255, 0, 0), np.uint8))
    assert _classifier({0: "tomato"}).describe(red) == "tomato, 99 %"
    assert _classifier({1: "leaf"}).describe(red) == "class 0, 99 %"


def test_other_tasks_have_no_examples():
    with pytest.raises(UsageError, match="need a classifier"):
        _classifier({}, "detection")


def test_an_example_has_every_panel(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(picture(60, 40)))
    curves = [_curve("blur:sigma=2"), _curve("scale:factor=0.5")]
    examples = list(make([path], curves, _classifier({0: "red", 1: "green", 2: "blue"})))
    assert [example.title for example in examples] == [
        "a.png: jpeg, blur:sigma=2, quality 60",
        "a.png: jpeg, scale:factor=0.5, quality 60",
    ]
    original, filtered, decoded, difference = map(_pixels, examples[0].panels)
    assert np.array_equal(original, picture(60, 40).pixels)
    assert filtered.std() < original.std()
    expected = np.clip(128 + 4 * (decoded.astype(int) - original), 0, 255)
    assert np.array_equal(difference, expected)
    assert _pixels(examples[1].panels[1]).shape == (20, 30, 3)
    assert _pixels(examples[1].panels[2]).shape == (40, 60, 3)
    captions = [caption.split(":")[0] for caption, _ in examples[0].panels]
    assert captions[:2] + captions[3:] == ["original", "filtered", "difference ×4"]


def _pixels(panel: tuple[str, bytes]) -> np.ndarray:
    with PIL.Image.open(io.BytesIO(panel[1])) as opened:
        return np.asarray(opened)


def test_shown_are_the_filters_of_one_codec_or_the_codec_alone():
    plain, blur, scale = _curve("none"), _curve("blur"), _curve("scale")
    assert shown([plain, blur, _curve("blur", "bpg"), scale]) == [blur, scale]
    assert shown([_curve("none", "bpg"), plain, blur]) == [blur]
    assert shown([plain, _curve("none", "bpg")]) == [plain]
