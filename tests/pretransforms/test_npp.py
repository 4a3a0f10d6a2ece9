import hashlib
import json

import numpy as np
import pytest
import torch
from torch import nn

from neurocodec import pretransforms, weights
from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.networks import checkpoint
from neurocodec.networks.npp import Npp
from tests.conftest import picture


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    torch.manual_seed(0)
    network = Npp(arch="npp-light", width=16)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.05)
    path = tmp_path_factory.mktemp("weights") / "filter.safetensors"
    path.write_bytes(checkpoint.dump(network, "npp", {"qps": [22, 45]}))
    return path


def create(file, tile=768):
    return pretransforms.create(f"npp:weights={file}:tile={tile}")


def test_it_filters_and_keeps_what_is_no_pixel(file):
    image = picture(67, 45, alpha=True)

    filtered = create(file)(image, 34)

    assert filtered.pixels.shape == image.pixels.shape
    assert not np.array_equal(filtered.pixels, image.pixels)
    assert filtered.alpha is image.alpha


def test_a_gray_picture_stays_gray(file):
    filtered = create(file)(picture(40, 40, gray=True), 34)

    assert filtered.gray
    assert np.array_equal(filtered.pixels[..., 0], filtered.pixels[..., 2])


def test_tiles_are_the_whole(file):
    image = picture(230, 150)

    whole = create(file, 1024)(image, 34).pixels.astype(int)
    tiled = create(file, 64)(image, 34).pixels.astype(int)

    assert np.mean((whole == 0) | (whole == 255)) < 0.2
    assert np.abs(whole - tiled).max() <= 1


def test_a_qp_that_it_does_not_know_leaves_the_picture(file):
    image, known = picture(32, 32), create(file)

    assert known(image, 46) is image
    assert known(image, 21.9) is image
    assert known(image, 45) is not image


def test_which_qps_it_does_not_know_is_said(file, tmp_path):
    schedule = tmp_path / "schedule.json"
    chosen = {"30": "none", "40": f"npp:weights={file}"}
    schedule.write_text(json.dumps({"pretransforms": chosen}))
    scheduled = pretransforms.create(f"schedule:file={schedule}")

    for filter_, qp in ((create(file), 46), (scheduled, 46)):
        said = pretransforms.unfiltered(filter_, qp)
        assert said == "npp knows QP 22 to 45 only: outside it does not filter"
    for filter_, qp in ((create(file), 45), (scheduled, 40), (scheduled, 0)):
        assert pretransforms.unfiltered(filter_, qp) == ""


def test_the_weights_are_named_by_their_sha256(file):
    assert create(file).weights_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_installed_weights_are_checked(file, tmp_path, monkeypatch):
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    entry = {"file": "a.safetensors", "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    (tmp_path / "manifest.json").write_text(json.dumps({"weights": {"good": entry}}))

    with pytest.raises(MissingError, match="cannot be read"):
        pretransforms.create("npp:weights=good")
    (tmp_path / "a.safetensors").write_bytes(file.read_bytes())
    assert pretransforms.create("npp:weights=good").weights_sha256 == entry["sha256"]
    (tmp_path / "a.safetensors").write_bytes(file.read_bytes() + b" ")
    with pytest.raises(MissingError, match="not the file that the manifest means"):
        pretransforms.create("npp:weights=good")


def test_what_is_not_there_is_said():
    with pytest.raises(MissingError, match="weights=NAME"):
        pretransforms.create("npp")
    with pytest.raises(MissingError, match="no weights are called 'other'"):
        pretransforms.create("npp:weights=other")
    with pytest.raises(MissingError, match="nowhere"):
        pretransforms.create("npp:weights=/nowhere/x.safetensors")


def test_what_is_no_network_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"nothing")

    with pytest.raises(BadInputError, match="not a safetensors file"):
        pretransforms.create(f"npp:weights={path}")


def test_a_tile_has_a_smallest_side(file):
    with pytest.raises(UsageError, match="tile is at least 16"):
        create(file, 15)
