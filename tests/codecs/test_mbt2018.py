from pathlib import Path

import pytest
import torch

from neurocodec import codecs, weights
from neurocodec.codecs.mbt2018 import Mbt2018
from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.networks import checkpoint
from neurocodec.networks.npp import Npp
from neurocodec.networks.proxy import Proxy
from tests.codecs.coding import encoded
from tests.conftest import picture


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A function that stores an untrained proxy of a seed and gives its path."""

    def store(seed):
        torch.manual_seed(seed)
        path = tmp_path_factory.mktemp("proxy") / f"{seed}.safetensors"
        made = {"qps": [28, 41]}
        path.write_bytes(checkpoint.dump(Proxy(width=8, latents=12), "proxy", made))
        return str(path)

    return store


@pytest.fixture(scope="module")
def own(stored):
    return stored(0)


@pytest.fixture(scope="module")
def codec(own):
    return codecs.create(f"mbt2018:weights={own}")


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (33, 70)])
def test_every_size_comes_back_the_same_each_time(codec, size):
    data = encoded(codec, picture(*size), 34)

    assert data == encoded(codec, picture(*size), 34)
    one, other = codec.decode(data), codec.decode(data)
    assert one.pixels.shape == (size[1], size[0], 3)
    assert (one.pixels == other.pixels).all()


def test_a_file_says_what_it_is(codec):
    data = encoded(codec, picture(50, 31), 34)

    assert codecs.recognise(data, "x").name == "mbt2018"
    said = codec.inspect(data)
    assert (said["width"], said["height"], said["slice_qp"]) == (50, 31, 34)
    assert said["weights_sha256"].startswith(codec.encoder.split()[1])


@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: d[:20], lambda d: d[:-3] + b"xyz"])
def test_a_damaged_file_is_refused(codec, damage):
    with pytest.raises(BadInputError, match="mbt2018"):
        codec.decode(damage(encoded(codec, picture(40, 40), 34)))


def test_what_it_cannot_code_is_refused(codec):
    with pytest.raises(UsageError, match="28 to 41, not 45"):
        encoded(codec, picture(8, 8), 45)
    with pytest.raises(UsageError, match="--flatten"):
        encoded(codec, picture(8, 8, alpha=True), 34)
    with pytest.raises(UsageError, match="chroma"):
        Mbt2018(chroma="420")


def test_the_weights_must_be_those_that_coded(codec, own, stored, tmp_path, monkeypatch):
    data = encoded(codec, picture(40, 40), 34)
    with pytest.raises(MissingError, match="not with"):
        Mbt2018(stored(1)).decode(data)
    with pytest.raises(MissingError, match="not installed"):
        Mbt2018().decode(data)
    with pytest.raises(MissingError, match="needs weights"):
        encoded(Mbt2018(), picture(8, 8), 34)
    other = tmp_path / "npp.safetensors"
    other.write_bytes(checkpoint.dump(Npp(arch="npp-light", width=4), "npp", {}))
    with pytest.raises(MissingError, match="are for npp"):
        encoded(Mbt2018(str(other)), picture(8, 8), 34)

    sha256 = checkpoint.load(Path(own).read_bytes(), "x").sha256
    entry = {"file": own, "sha256": sha256}
    monkeypatch.setattr(weights, "installed", lambda: {"proxy": entry})
    assert Mbt2018().decode(data).width == 40
