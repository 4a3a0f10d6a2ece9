import numpy as np
import pytest
import torch

from neurocodec.filters.search.views import WINDOW, OverWhite, views


def seen(width, height):
    """How many windows show each pixel."""
    count = torch.zeros(1, 1, height, width)
    for window in views(width, height)[1:]:
        part = window(count)
        assert max(part.shape[-2:]) <= WINDOW
        part += 1  # a view of the same memory
    return count


@pytest.mark.parametrize("size", [(224, 224), (300, 240), (512, 384), (1, 1), (3, 2)])
def test_a_picture_that_is_nearly_square_and_small_is_shown_as_a_whole(size):
    (whole,) = views(*size)
    pictures = torch.rand(1, 3, size[1], size[0])

    assert torch.equal(whole(pictures), pictures)


@pytest.mark.parametrize("size", [(300, 100), (768, 512), (512, 768), (1920, 1080), (5, 900)])
def test_windows_cover_a_wide_or_large_picture(size):
    assert seen(*size).min() >= 1


def test_windows_of_one_row_overlap():
    assert seen(768, 512).max() == 2
    assert len(views(768, 512)) == 3


def test_a_strip_has_few_windows():
    assert len(views(1, 65500)) < 400


def test_transparent_pictures_are_shown_over_white():
    pictures, alpha = torch.rand(1, 3, 8, 8), torch.zeros(8, 8)
    alpha[:, 4:] = 1
    shown = OverWhite(alpha, views(8, 8)[0])(pictures)

    assert (shown[..., :4] == 1).all()
    assert torch.equal(shown[..., 4:], pictures[..., 4:])


def test_twelve_megapixels_are_some_hundred_windows():
    assert 80 <= len(views(4000, 3000)) <= 120
    assert np.isclose(seen(4000, 3000).mean(), 1.9, atol=0.3)
