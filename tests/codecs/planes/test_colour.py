"""The colour conversion against a slow reference, sample for sample."""

import numpy as np
import pytest

from neurocodec.codecs.planes import chroma, colour
from neurocodec.codecs.planes.layout import COLOR_SPACES, Layout
from tests.codecs.planes import reference

DEPTHS = (8, 10, 12, 14)
YCC = [name for name in COLOR_SPACES if name.startswith("ycbcr")]


def noise(*shape, depth=8, seed=0):
    """Samples of which many are the least and the greatest."""
    top = (1 << depth) - 1
    values = np.random.default_rng(seed).integers(-top // 3, top + top // 3, shape)
    return np.clip(values, 0, top).astype(np.uint8 if depth == 8 else np.uint16)


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("space", YCC)
@pytest.mark.parametrize("depth", DEPTHS)
def test_rgb_to_ycc_and_back_is_libbpgs(depth, space, limited):
    pixels = noise(9, 13, 3)
    layout = Layout("444", depth, space, limited)
    planes = colour.to_planes(pixels, layout)
    expected = [
        reference.ycc_of_rgb(*map(int, p), depth, space, limited) for p in pixels.reshape(-1, 3)
    ]
    assert np.array_equal(np.stack(planes, -1).reshape(-1, 3), expected)
    wild = [noise(9, 13, depth=depth, seed=s) for s in range(3)]
    samples = np.stack(wild, -1).reshape(-1, 3).astype(int).tolist()
    expected = [reference.rgb_of_ycc(*s, depth, space, limited) for s in samples]
    assert np.array_equal(colour.to_pixels(wild, layout).reshape(-1, 3), expected)


SIZES = [(1, 1), (1, 2), (2, 1), (3, 3), (5, 18), (17, 4), (24, 31)]


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_chroma_is_halved_and_doubled_as_libbpg_does(size, depth, rows, left):
    height, width = size
    plane = noise(height, width, depth=depth)
    layout = Layout("420" if rows else "422", depth, left=left)
    low = chroma.halve(plane, layout)
    assert low.dtype == plane.dtype
    assert np.array_equal(low, reference.halved(plane, depth, rows=rows, left=left))
    wild = noise(*low.shape, depth=depth, seed=1)
    high = chroma.double(wild, height, width, layout)
    assert high.shape == plane.shape
    assert np.array_equal(high, reference.doubled(wild, height, width, depth, rows=rows, left=left))


def test_bands_do_not_show(monkeypatch):
    pixels = noise(41, 37, 3)
    layout = Layout()
    planes = colour.to_planes(pixels, layout)
    back = colour.to_pixels(planes, layout)
    monkeypatch.setattr(chroma, "_BAND_SAMPLES", 100)
    again = colour.to_planes(pixels, layout)
    assert all(map(np.array_equal, planes, again))
    assert np.array_equal(colour.to_pixels(planes, layout), back)


def test_rgb_at_8_bits_is_the_samples_themselves_in_the_order_g_b_r():
    pixels = noise(6, 5, 3)
    layout = Layout("444", 8, "rgb")
    planes = colour.to_planes(pixels, layout)
    assert np.array_equal(np.stack(planes, -1), pixels[..., [1, 2, 0]])
    assert np.array_equal(colour.to_pixels(planes, layout), pixels)


def test_ycgco_by_hand():
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]]], np.uint8)
    y, cg, co = colour.to_planes(pixels, Layout("444", 8, "ycgco"))
    assert y.tolist() == [[64, 128, 64, 20]]
    assert cg.tolist() == [[64, 255, 64, 128]]  # 63.75, 255.5 cut, and 128 for gray
    assert co.tolist() == [[255, 128, 1, 118]]
    back = colour.to_pixels([y, cg, co], Layout("444", 8, "ycgco"))
    assert np.abs(back.astype(int) - pixels).max() <= 2


@pytest.mark.parametrize("depth", DEPTHS)
def test_ycgco_at_its_extremes_does_not_overflow(depth):
    top = (1 << depth) - 1
    planes = [np.full((1, 1), v, np.uint16 if depth > 8 else np.uint8) for v in (top, 0, top)]
    for limited in (False, True):
        layout = Layout("444", depth, "ycgco", limited)
        assert colour.to_pixels(planes, layout).max() == 255


@pytest.mark.parametrize("space", COLOR_SPACES)
@pytest.mark.parametrize("limited", [False, True])
def test_black_gray_and_white_come_back_exactly(space, limited):
    values = [0, 128, 255]
    pixels = np.repeat(np.array([values], np.uint8)[..., None], 3, axis=2)
    for depth in (10, 12):
        layout = Layout("444", depth, space, limited)
        assert np.array_equal(colour.to_pixels(colour.to_planes(pixels, layout), layout), pixels)


def test_limited_range_is_16_to_235():
    pixels = np.array([[[0] * 3, [255] * 3]], np.uint8)
    assert colour.to_planes(pixels, Layout(limited_range=True))[0].tolist() == [[16, 235]]
    assert colour.to_planes(pixels, Layout("gray", 10, limited_range=True))[0].tolist() == [
        [64, 940]
    ]


@pytest.mark.parametrize("depth", DEPTHS)
def test_gray_and_alpha_come_back_exactly(depth):
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(colour.to_alpha(colour.to_alpha_plane(every, depth), depth), every)
    gray = np.repeat(every[..., None], 3, axis=2)
    layout = Layout("gray", depth)
    assert np.array_equal(colour.to_pixels(colour.to_planes(gray, layout), layout), gray)


def test_premultiplied_colour_is_divided():
    alpha = np.array([[0, 1, 128, 255, 100]], np.uint8)
    colours = np.array([[[9] * 3, [1] * 3, [64] * 3, [7] * 3, [200] * 3]], np.uint8)
    straight = colour.divide_by_alpha(colours, alpha)
    assert straight[0, :, 0].tolist() == [255, 255, 128, 7, 255]


def test_a_w_plane_darkens():
    pixels = np.full((1, 3, 3), 200, np.uint8)
    white = np.array([[0, 128, 255]], np.uint8)
    assert colour.multiply_by_white(pixels, white, 8)[0, :, 0].tolist() == [0, 100, 199]
