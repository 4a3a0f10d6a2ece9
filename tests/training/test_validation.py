import numpy as np
import torch
from torch import nn

from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.validation import Validation
from tests.conftest import picture

CPU = torch.device("cpu")


class Scaled(nn.Module):
    def __init__(self, contrast):
        super().__init__()
        self.contrast = contrast

    def forward(self, x, qp):
        return 0.5 + self.contrast * (x - 0.5)


def bd_rate(distance, contrast):
    with CodecPool("jpeg", jobs=0) as pool:
        images = [picture(96, 96, seed=seed) for seed in range(2)]
        return Validation(pool, {"small": distance}, images, CPU)(Scaled(contrast))


def test_a_filter_that_does_nothing_saves_nothing(distance):
    assert np.isclose(bd_rate(distance, 1.0)["bd_rate.small"], 0)


def test_a_recogniser_whose_curves_cannot_be_compared_is_left_out(distance):
    assert bd_rate(distance, 0.0) == {}


def test_without_pictures_nothing_is_measured(distance):
    with CodecPool("jpeg", jobs=0) as pool:
        assert Validation(pool, {"small": distance}, [], CPU)(nn.Identity()) == {}
