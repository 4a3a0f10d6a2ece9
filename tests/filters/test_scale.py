"""Encoding at a fraction of the size."""

import numpy as np
import pytest

from neurocodec.filters import create
from neurocodec.images import Image
from tests.conftest import picture


@pytest.mark.parametrize(
    ("size", "factor", "expected"),
    [((224, 224), 0.5, (112, 112)), ((7, 9), 0.5, (4, 4)), ((101, 3), 0.33, (33, 1)),
     ((1, 1), 0.1, (1, 1)), ((400, 1), 0.25, (100, 1)), ((5, 5), 1e-9, (1, 1))],
)  # fmt: skip
def test_the_sides_are_rounded_and_at_least_1(size, factor, expected):
    scaled = create(f"scale:factor={factor}")(picture(*size, alpha=True), 34)
    assert (scaled.width, scaled.height) == expected
    assert scaled.alpha.shape == (scaled.height, scaled.width)


def test_factor_1_gives_the_very_picture_back():
    image = picture(6, 6)
    assert create("scale:factor=1")(image, 34) is image


def test_detail_finer_than_the_new_pixels_is_averaged_not_aliased():
    stripes = np.zeros((60, 60, 3), np.uint8)
    stripes[:, ::2] = 255
    scaled = create("scale:factor=0.5")(Image(stripes), 34).pixels
    assert np.abs(scaled[:, 4:-4].astype(int) - 127.5).max() < 3


def test_a_smooth_picture_keeps_its_values():
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    image = Image(np.broadcast_to(ramp[None, :, None], (64, 64, 3)).copy())
    scaled = create("scale:factor=0.5")(image, 34).pixels[16, :, 1].astype(float)
    assert np.abs(scaled - (ramp[0::2].astype(float) + ramp[1::2]) / 2)[2:-2].max() <= 1


def test_alpha_shrinks_likewise_and_hidden_colour_does_not_bleed():
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:, :20] = (10, 200, 30)
    alpha = np.zeros((40, 40), np.uint8)
    alpha[:, :19] = 255
    scaled = create("scale:factor=0.5")(Image(pixels, alpha), 34)
    assert scaled.alpha[10, 3] == 255
    assert scaled.alpha[10, 16] == 0
    edge = scaled.alpha[10] > 100
    # The black under alpha 0 would darken the edge; Lanczos itself overshoots to the bright side.
    assert ((10, 200, 30) - scaled.pixels[10][edge].astype(int)).max() <= 2
