"""Truths follow the squares that are cut out of pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from neurocodec.training.windows import Example, Window, random_window

from neurocodec.images import Image
from neurocodec.tasks.ground_truth import Boxes
from tests.conftest import picture

SIZE = 48


def boxes(*xyxy):
    sides = np.array(xyxy, float).reshape(-1, 4)
    area = (sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1])
    count = len(sides)
    return Boxes(sides, np.arange(count), np.zeros(count, np.bool_), area)


@given(
    st.integers(50, 90),
    st.integers(50, 90),
    st.integers(0, 10_000),
    st.tuples(*[st.floats(0, 1)] * 4),
)
def test_a_box_stays_around_what_it_was_around(width, height, seed, shares):
    """A white rectangle on black: where the crop is white, the box is."""
    left, top = (
        int(share * (side - 20)) for share, side in zip(shares[:2], (width, height), strict=True)
    )
    right, bottom = left + 12 + int(shares[2] * 8), top + 12 + int(shares[3] * 8)
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[top:bottom, left:right] = 255
    image = Example(pixels, truth=boxes((left, top, right, bottom)))

    crop = random_window(image, SIZE, np.random.default_rng(seed)).example(image)

    white = crop.pixels[..., 0] > 127
    if len(crop.truth.xyxy) == 0:
        assert white.mean() < 0.02
        return
    rows, columns = white.any(1).nonzero()[0], white.any(0).nonzero()[0]
    seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    assert crop.truth.xyxy[0] == pytest.approx(seen, abs=1)
    assert crop.truth.area[0] == pytest.approx(white.sum(), rel=0.25, abs=8)
    assert crop.truth.class_ids.tolist() == [0]


def test_a_box_cut_to_almost_nothing_is_dropped():
    image = Example(
        picture(64, 64).pixels,
        truth=boxes((0, 0, 20, 20), (0, 20, 34, 30), (16, 16, 48, 48), (60, 60, 64, 64)),
    )

    crop = Window(left=16, top=16, side=32, size=64).example(image)

    # 4×4 of 20×20 and nothing at all are dropped; 18 of 34 columns are kept, and the rest whole.
    assert crop.truth.xyxy.tolist() == [[0, 8, 36, 28], [0, 0, 64, 64]]
    assert crop.truth.class_ids.tolist() == [1, 2]
    assert crop.truth.area.tolist() == pytest.approx([36 * 20, 64 * 64])


def test_a_mirrored_crop_mirrors_its_boxes():
    image = Example(picture(32, 32).pixels, truth=boxes((2, 4, 12, 30)))

    assert Window(0, 0, 32, 32, mirrored=True).example(image).truth.xyxy.tolist() == [
        [20, 4, 30, 30]
    ]


def test_a_class_index_stays_and_a_picture_without_truth_has_none():
    window = Window(4, 4, 16, 32)

    assert window.example(Example(picture(32, 32).pixels, truth=7)).truth == 7
    assert window.example(Image(picture(32, 32).pixels)).truth is None


def test_a_picture_without_objects_keeps_an_empty_truth():
    crop = Window(0, 0, 16, 32).example(Example(picture(32, 32).pixels, truth=boxes()))

    assert crop.truth.xyxy.shape == (0, 4)
