"""The filters that know no QP, tv and segnet, from weights of a tiny random network."""

import numpy as np
import pytest
import torch
from torch import nn

from neurocodec import filters
from neurocodec.errors import MissingError
from neurocodec.images import Image
from neurocodec.networks import checkpoint
from neurocodec.networks.segnet import SegNet
from neurocodec.networks.tv import Tv
from tests.conftest import picture


@pytest.fixture(scope="module", params=["tv", "segnet"])
def given(request, tmp_path_factory):
    """The filter's name, and its weights."""
    torch.manual_seed(0)
    network = {"tv": Tv, "segnet": SegNet}[request.param](width=4)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    # So that much of the range is used, and little of it clamped.
    nn.init.normal_(network.body.last.weight, std={"tv": 0.02, "segnet": 2}[request.param])
    path = tmp_path_factory.mktemp("weights") / "filter.safetensors"
    path.write_bytes(checkpoint.dump(network, request.param, {"recognisers": ["small"]}))
    return request.param, path


def create(given, tile=768):
    name, path = given
    return filters.create(f"{name}:weights={path}:tile={tile}")


@pytest.mark.parametrize("size", [(1, 1), (17, 33), (64, 32)])
def test_it_filters_and_keeps_what_is_no_pixel(given, size):
    image = picture(*size, alpha=True)

    filtered = create(given)(image, 34)

    assert filtered.pixels.shape == image.pixels.shape
    assert not np.array_equal(filtered.pixels, image.pixels)
    assert filtered.alpha is image.alpha


def test_it_filters_alike_at_every_qp(given):
    image, filter_ = picture(40, 40), create(given)

    assert np.array_equal(filter_(image, 0).pixels, filter_(image, 51).pixels)
    assert filter_.identity(0) == filter_.identity(51) == ""


def test_a_gray_picture_stays_gray(given):
    filtered = create(given)(picture(40, 40, gray=True), 34)

    assert filtered.gray
    assert np.array_equal(filtered.pixels[..., 0], filtered.pixels[..., 2])


def with_flat_parts():
    """Equal neighbours everywhere: where maxima tie."""
    pixels = picture(480, 320).pixels.copy()
    pixels[40:200, 100:300] = (10, 120, 200)
    pixels[210:] = 255
    return Image(pixels)


@pytest.mark.slow
@pytest.mark.parametrize("image", [picture(480, 320), with_flat_parts()], ids=["photo", "flat"])
def test_tiles_are_the_whole(given, image):
    whole = create(given, 1024)(image, 34).pixels.astype(int)
    tiled = create(given, 64)(image, 34).pixels.astype(int)

    assert whole.std() > 20
    assert np.mean((whole == 0) | (whole == 255)) < 0.6
    assert np.abs(whole - tiled).max() <= 1


def test_weights_of_the_other_filter_are_refused(given):
    name, path = given
    other = {"tv": "segnet", "segnet": "tv"}[name]

    with pytest.raises(MissingError, match=f"are for {name}, not {other}"):
        filters.create(f"{other}:weights={path}")
