"""The border between uint8 pictures and float tensors."""

import numpy as np
import pytest
import torch

from neurocodec.images import Image
from neurocodec.networks.tensors import to_images, to_tensor
from tests.conftest import picture


def _all_levels() -> Image:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    return Image(np.stack([ramp, ramp[::-1], ramp.T], axis=-1))


def test_a_tensor_is_planes_of_level_over_255():
    image = picture(5, 3)
    x = to_tensor([image])
    assert (x.shape, x.dtype, x.is_contiguous()) == ((1, 3, 3, 5), torch.float32, True)
    assert x[0, 2, 1, 4].item() == np.float32(image.pixels[1, 4, 2]) / np.float32(255)


def test_every_level_survives_the_round_trip():
    image = _all_levels()
    assert np.array_equal(to_images(to_tensor([image]))[0].pixels, image.pixels)


def test_a_batch_keeps_its_order_and_what_is_not_pixels():
    given = [picture(9, 7, seed=seed, alpha=True, gray=True) for seed in range(3)]
    for image, back in zip(given, to_images(to_tensor(given), given), strict=True):
        assert np.array_equal(back.pixels, image.pixels)
        assert back.alpha is image.alpha
        assert back.gray


def test_values_are_rounded_to_the_nearest_level_and_clamped():
    values = torch.tensor([-0.5, 0.49 / 255, 0.51 / 255, 254.51 / 255, 1.5])
    pixels = to_images(values.expand(1, 3, 1, 5))[0].pixels
    assert pixels[0, :, 0].tolist() == [0, 0, 1, 255, 255]


def test_a_gray_picture_comes_back_gray():
    image = picture(8, 8, gray=True)
    tinted = to_tensor([image]) + torch.tensor([0.1, 0.0, -0.04]).view(1, 3, 1, 1)
    pixels = to_images(tinted, [image])[0].pixels
    assert np.array_equal(pixels, pixels[..., :1].repeat(3, axis=2))


def test_a_picture_may_be_read_only():
    image = picture(4, 4)
    image.pixels.setflags(write=False)
    before = image.pixels.copy()
    to_tensor([image]).zero_()
    assert np.array_equal(image.pixels, before)


@pytest.mark.parametrize("images", [[], [picture(4, 4), picture(5, 4)]])
def test_a_batch_is_of_one_size(images):
    with pytest.raises(ValueError, match=r"same shape|at least one"):
        to_tensor(images)


def test_what_is_no_picture_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        to_images(torch.full((1, 3, 2, 2), float("nan")))
    with pytest.raises(ValueError, match="not \\(3, 2, 2\\)"):
        to_images(torch.zeros(3, 2, 2))
    with pytest.raises(ValueError, match="alpha"):
        to_images(torch.zeros(1, 3, 2, 2), [picture(4, 4, alpha=True)])
