import numpy as np
import pytest
from torch import nn

from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.validation import FilterValidation
from tests.conftest import picture
from tests.training.conftest import CPU


class Scaled(nn.Module):
    def __init__(self, contrast):
        super().__init__()
        self.contrast = contrast

    def forward(self, x, qp):
        return 0.5 + self.contrast * (x - 0.5)


@pytest.fixture(scope="module")
def images():
    return [picture(64, 64, seed=seed) for seed in range(8)]


def scores(loss, contrast, images):
    with CodecPool("jpeg", jobs=0) as pool:
        return FilterValidation(pool, {"small": loss}, images, CPU)(Scaled(contrast))


def test_a_filter_that_does_nothing_saves_nothing(loss, images):
    nothing = scores(loss, 1.0, images)

    assert np.isclose(nothing.record["bd_rate.small"], 0)
    assert nothing.remarks == ("BD-rate for small (kl): 0.0 % [0.0, 0.0] on 8 pictures kept apart",)


def test_a_recogniser_whose_curves_cannot_be_compared_has_none_and_it_says_why(loss, images):
    gray = scores(loss, 0.0, images)

    assert gray.record == {}
    assert gray.remarks[0].startswith("no BD-rate for small: ")


@pytest.mark.parametrize("count", [0, 7])
def test_few_pictures_have_no_interval_and_nothing_is_measured(loss, images, count):
    few = scores(loss, float("nan"), images[:count])

    assert few.record == {}
    assert few.remarks == (
        f"no BD-rate: it needs 8 pictures kept apart, not {count}: see --validation",
    )
