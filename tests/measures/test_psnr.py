"""PSNR over RGB samples."""

import math

import numpy as np
import pytest

from neurocodec.images import Image
from neurocodec.measures.psnr import psnr_db
from tests.conftest import picture


def test_one_level_of_error_everywhere_is_48_13_db():
    pixels = np.zeros((4, 4, 3), np.uint8)
    assert psnr_db(Image(pixels), Image(pixels + 1)) == pytest.approx(48.1308, abs=1e-4)
    assert psnr_db(Image(pixels + 1), Image(pixels)) == pytest.approx(48.1308, abs=1e-4)


def test_all_three_channels_count_alike():
    pixels = np.zeros((4, 4, 3), np.uint8)
    red = pixels.copy()
    red[..., 0] = 255
    assert psnr_db(Image(pixels), Image(red)) == pytest.approx(10 * math.log10(3))


def test_equal_pictures_are_infinitely_near():
    assert psnr_db(picture(5, 7), picture(5, 7)) == math.inf


def test_sizes_must_agree():
    with pytest.raises(ValueError):
        psnr_db(picture(5, 7), picture(7, 5))
