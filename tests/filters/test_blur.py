"""The Gaussian blur against the formula and against OpenCV."""

import math

import cv2
import numpy as np
import pytest
import torch

from neurocodec.filters import create
from neurocodec.filters.blur import gaussian_blur
from neurocodec.images import Image
from tests.conftest import picture

SIGMAS = [0.3, 0.5, 1.0, 2.7]


def _weights(sigma: float, radius: int) -> np.ndarray:
    weights = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    return weights / weights.sum()


@pytest.mark.parametrize("sigma", SIGMAS)
def test_a_point_becomes_the_gaussian_out_to_four_sigma(sigma):
    radius = math.ceil(4 * sigma)
    x = torch.zeros(1, 1, 41, 41)
    x[0, 0, 20, 20] = 1
    row = gaussian_blur(x, sigma)[0, 0].sum(dim=0)
    assert np.allclose(row[20 - radius : 21 + radius], _weights(sigma, radius), atol=1e-6)
    assert torch.count_nonzero(row[: 20 - radius]) == 0


@pytest.mark.parametrize("sigma", SIGMAS)
def test_it_is_opencvs_with_replicated_borders(sigma):
    image = picture(45, 31)
    size = 2 * math.ceil(4 * sigma) + 1
    theirs = cv2.GaussianBlur(
        image.pixels.astype(np.float64), (size, size), sigma, borderType=cv2.BORDER_REPLICATE
    )
    ours = create(f"blur:sigma={sigma}")(image, 34).pixels
    # Float against double: a value halfway between two levels may go either way, hence 0.5001.
    assert np.abs(ours - theirs).max() <= 0.5001


def test_sigma_0_gives_the_very_picture_back():
    image = picture(6, 6)
    assert create("blur:sigma=0")(image, 34) is image


@pytest.mark.parametrize("sigma", ["5e-324", "1e-200", "0.01"])
def test_a_vanishing_sigma_changes_nothing(sigma):
    image = picture(6, 6)
    assert np.array_equal(create(f"blur:sigma={sigma}")(image, 34).pixels, image.pixels)


def test_more_sigma_leaves_less_detail_and_the_mean_about_where_it_was():
    image = picture(64, 64)
    blurred = [create(f"blur:sigma={sigma}")(image, 34).pixels for sigma in (0.5, 1, 2, 20)]
    detail = [np.abs(np.diff(pixels.astype(int), axis=0)).mean() for pixels in blurred]
    assert detail == sorted(detail, reverse=True)
    assert abs(blurred[0].mean() - image.pixels.mean()) < 0.5


def test_a_kernel_far_larger_than_the_picture():
    image = Image(np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8))
    assert create("blur:sigma=100")(image, 34).pixels[0, :, 0].tolist() == [127, 128]
