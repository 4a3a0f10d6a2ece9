"""MS-SSIM and FSIM: their ends, their order, their guards."""

from collections.abc import Callable

import numpy as np
import piq
import pytest

from neurocodec.images import Image
from neurocodec.measures.fsim import fsim
from neurocodec.measures.ms_ssim import ms_ssim
from neurocodec.networks.tensors import to_tensor
from tests.conftest import picture

Measure = Callable[[Image, Image], float | None]
MEASURES: list[Measure] = [ms_ssim, fsim]


def _noisy(image: Image, sigma: float) -> Image:
    noise = np.random.default_rng(0).normal(0, sigma, image.pixels.shape)
    return Image(np.clip(image.pixels + noise, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("measure", MEASURES)
def test_equal_pictures_have_1(measure):
    assert measure(picture(164, 162), picture(164, 162)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_more_noise_is_less_similar(measure):
    original = picture(164, 162)
    found = [measure(original, _noisy(original, sigma)) for sigma in (0, 10, 30)]
    assert found[0] > found[1] + 0.01 > found[2] + 0.02 > 0


@pytest.mark.parametrize("measure", MEASURES)
def test_sizes_must_agree(measure):
    with pytest.raises(ValueError, match="one size"):
        measure(picture(164, 162), picture(162, 164))


def test_ms_ssim_is_what_another_library_says():
    original = picture(256, 192)
    coded = _noisy(original, 15)
    x, x_hat = to_tensor([original, coded]).chunk(2)
    theirs = float(piq.multi_scale_ssim(x, x_hat, data_range=1.0))
    assert ms_ssim(original, coded) == pytest.approx(theirs, abs=2e-3)


@pytest.mark.parametrize(("width", "height"), [(160, 400), (400, 160), (1, 1)])
def test_a_side_of_160_px_is_too_small_for_ms_ssim(width, height):
    assert ms_ssim(picture(width, height), picture(width, height)) is None


def test_161_px_are_enough_for_ms_ssim():
    assert ms_ssim(picture(161, 161), picture(161, 161)) == pytest.approx(1, abs=1e-6)


def test_a_side_of_1_px_has_no_fsim():
    assert fsim(picture(1, 40), picture(1, 40, seed=1)) is None
    assert 0 < fsim(picture(2, 2), picture(2, 2, seed=1)) < 1


def test_fsim_sees_colour():
    gray = picture(64, 64, gray=True)
    tinted = Image(np.clip(gray.pixels + np.array([20, 0, -20]), 0, 255).astype(np.uint8))
    assert fsim(gray, tinted) < 0.995
