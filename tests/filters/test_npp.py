import hashlib
import json

import numpy as np
import pytest
import torch
from torch import nn

from neurocodec import filters, weights
from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.networks import checkpoint
from neurocodec.networks.npp import ARCHITECTURES, Npp
from tests.conftest import picture
from tests.networks.filter_files import npp_light


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return npp_light(tmp_path_factory.mktemp("weights"), width=16, std=0.05, qps=[22, 45])


def create(file, tile=0, batch=0):
    return filters.create(f"npp:weights={file}:tile={tile}:batch={batch}")


def randomised(network):
    """The network with no layer at zero, and batch normalisation that does something."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.out_channels == 3:  # neither black nor white everywhere
                module.weight.data *= 0.3
                nn.init.constant_(module.bias, 0.1)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network


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


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_tiles_are_the_whole(arch, tmp_path):
    torch.manual_seed(0)
    path = tmp_path / f"{arch}.safetensors"
    network = randomised(Npp(arch=arch, width=4))
    if arch == "npp-semantic":  # the classifier's features are far from normal
        for layer in (network.body.to_features, network.body.to_logits):
            layer.weight.data *= 0.02
        network.body.residual.leave.weight.data *= 0.05
    path.write_bytes(checkpoint.dump(network, "npp", {}))
    beyond = 2 * ARCHITECTURES[arch].reach + 64 + 64  # so that no tile is shown the whole
    image = picture(max(435, beyond if "context" in arch or "semantic" in arch else 0), 48)

    whole = create(path, 1024)(image, 34).pixels.astype(int)
    tiled = create(path, 64)(image, 34).pixels.astype(int)

    assert np.mean((whole == 0) | (whole == 255)) < 0.5
    assert np.abs(whole - image.pixels).mean() > 5
    assert np.abs(whole - tiled).max() <= 1


def test_tiles_are_alike_in_size_and_cover_the_picture(file, monkeypatch):
    shown, filter_ = [], create(file, 64)
    forward = filter_._network.forward
    monkeypatch.setattr(
        filter_._network, "forward", lambda x, qp: shown.append(x.shape[2:]) or forward(x, qp)
    )

    filter_(picture(500, 40), 34)

    sizes = {(-(-height // 16), -(-width // 16)) for height, width in shown}
    assert len(shown) == 8
    assert len(sizes) == 1


@pytest.mark.parametrize(("count", "batch", "calls"), [(5, 0, 5), (5, 2, 3), (5, 8, 1)])
def test_a_batch_is_its_pictures_one_by_one(file, monkeypatch, count, batch, calls):
    pictures = [picture(67, 45, seed=seed, alpha=seed == 1, gray=seed == 2) for seed in range(5)]
    alone = [create(file)(image, 34) for image in pictures]
    sizes, filter_ = [], create(file, batch=batch)
    forward = filter_._network.forward
    monkeypatch.setattr(
        filter_._network, "forward", lambda x, qp: sizes.append(len(x)) or forward(x, qp)
    )

    together = filter_.filter_batch(pictures, 34)

    assert filter_.batches(34) == (batch > 1)
    assert not filter_.batches(50)
    assert len(sizes) == calls
    assert sum(sizes) == count
    for one, other, given in zip(alone, together, pictures, strict=True):
        assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 1
        assert other.alpha is given.alpha
        assert other.gray == given.gray


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_stored_in_half_are_computed_with_in_float32(file, tmp_path, dtype):
    found = checkpoint.load(file.read_bytes(), "file")
    path = tmp_path / "half.safetensors"
    path.write_bytes(checkpoint.dump(found.network.to(dtype), "npp", found.made))

    loaded = checkpoint.load(path.read_bytes(), "half").network
    filtered = create(path)(picture(40, 40), 34)

    assert path.stat().st_size < 0.6 * file.stat().st_size
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    exact = create(file)(picture(40, 40), 34)
    assert np.abs(filtered.pixels.astype(int) - exact.pixels).max() <= 4


def test_a_file_says_nothing_of_a_device(file):
    _, metadata = checkpoint.read_tensors(file.read_bytes(), "file")

    assert metadata.keys() == {"network", "config", "made"}
    assert not {"cpu", "cuda", "device"} & {*json.loads(metadata["config"])}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_filters_as_the_processor_does(file):
    images = [picture(67, 45, seed=seed) for seed in range(3)]
    gpu = filters.create(f"npp:weights={file}", "cuda")

    assert gpu.batches(34)
    for one, image in zip(gpu.filter_batch(images, 34), images, strict=True):
        assert np.abs(one.pixels.astype(int) - create(file)(image, 34).pixels).max() <= 1


@pytest.mark.parametrize("spec", ["npp", "npp:tile=64"])
def test_weights_by_themselves_go_to_the_filters_that_take_them(spec):
    given = filters.with_weights(["none", "blur:sigma=1", spec], "a")

    assert given == ["none", "blur:sigma=1", f"{spec}:weights=a"]


@pytest.mark.parametrize(
    ("specs", "weights", "words"),
    [
        (["none", "blur"], "a", "is for a trained filter, not for --filter none,blur"),
        (["auto"], "a", "write --filter npp"),
    ],
)
def test_weights_that_go_nowhere_are_refused(specs, weights, words):
    with pytest.raises(UsageError, match=words):
        filters.with_weights(specs, weights)


def test_a_qp_that_it_does_not_know_leaves_the_picture(file):
    image, known = picture(32, 32), create(file)

    assert known(image, 46) is image
    assert known(image, 21.9) is image
    assert known(image, 45) is not image


def test_which_qps_it_does_not_know_is_said(file, tmp_path):
    schedule = tmp_path / "schedule.json"
    chosen = {"30": "none", "40": f"npp:weights={file}"}
    schedule.write_text(json.dumps({"filters": chosen}))
    scheduled = filters.create(f"schedule:file={schedule}")

    for filter_, qp in ((create(file), 46), (scheduled, 46)):
        assert filter_.identity(qp) == "npp knows QP 22 to 45 only: outside it does not filter"
    for filter_, qp in ((create(file), 45), (scheduled, 40), (scheduled, 0)):
        assert filter_.identity(qp) == ""


def test_the_weights_are_named_by_their_sha256(file):
    assert create(file).weights_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_installed_weights_are_checked(file, tmp_path, monkeypatch):
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    entry = {"file": "a.safetensors", "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    (tmp_path / "manifest.json").write_text(json.dumps({"weights": {"good": entry}}))

    with pytest.raises(MissingError, match="cannot be read"):
        filters.create("npp:weights=good")
    (tmp_path / "a.safetensors").write_bytes(file.read_bytes())
    assert filters.create("npp:weights=good").weights_sha256 == entry["sha256"]
    (tmp_path / "a.safetensors").write_bytes(file.read_bytes() + b" ")
    with pytest.raises(MissingError, match="altered"):
        filters.create("npp:weights=good")


def test_what_is_not_there_is_said():
    with pytest.raises(MissingError, match="weights=NAME"):
        filters.create("npp")
    with pytest.raises(MissingError, match="no weights are called 'other'"):
        filters.create("npp:weights=other")
    with pytest.raises(MissingError, match="nowhere"):
        filters.create("npp:weights=/nowhere/x.safetensors")


def test_what_is_no_network_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"nothing")

    with pytest.raises(BadInputError, match="not a safetensors file"):
        filters.create(f"npp:weights={path}")


def test_a_tile_has_a_smallest_side(file):
    with pytest.raises(UsageError, match="tile is at least 16"):
        create(file, 15)
    with pytest.raises(UsageError, match="batch is at least 0"):
        create(file, batch=-1)
