"""mbt2018: its pictures come back, with its own weights and none other."""

from pathlib import Path

import pytest

from neurocodec import codecs, weights
from neurocodec.codecs.learned import mbt2018
from neurocodec.codecs.learned.mbt2018 import Mbt2018
from neurocodec.errors import MissingError, UsageError
from tests.codecs.coding import encoded
from tests.conftest import picture


@pytest.fixture
def weights_file(proxy_weights):
    return proxy_weights(0)


@pytest.fixture
def codec(weights_file):
    return codecs.create(f"mbt2018:weights={weights_file}")


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
    fields = codec.inspect(data)
    assert (fields["width"], fields["height"], fields["qp"]) == (50, 31, 34)
    assert fields["weights_sha256"].startswith(codec.encoder.split()[1])


def test_a_qp_that_the_weights_were_not_trained_at_is_refused(tmp_path, codec, weights_file):
    from neurocodec.networks import checkpoint

    read = checkpoint.load(Path(weights_file).read_bytes(), "x")
    narrow = tmp_path / "narrow.safetensors"
    narrow.write_bytes(checkpoint.dump(read.network, "proxy", {"qps": [28, 41]}))
    with pytest.raises(UsageError, match="28 to 41, not 45"):
        encoded(Mbt2018(str(narrow)), picture(8, 8), 45)


def test_without_compressai_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(mbt2018, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match="pip install compressai"):
        encoded(Mbt2018("x"), picture(8, 8), 34)
    with pytest.raises(MissingError, match="pip install compressai"):
        assert Mbt2018("x").encoder


def test_the_weights_must_be_those_that_coded(
    codec, weights_file, proxy_weights, tmp_path, monkeypatch
):
    from neurocodec.networks import checkpoint
    from neurocodec.networks.npp import Npp

    data = encoded(codec, picture(40, 40), 34)
    with pytest.raises(MissingError, match="not with"):
        Mbt2018(proxy_weights(1)).decode(data)
    with pytest.raises(MissingError, match="not installed"):
        Mbt2018().decode(data)
    with pytest.raises(MissingError, match="needs weights"):
        encoded(Mbt2018(), picture(8, 8), 34)
    other = tmp_path / "npp.safetensors"
    other.write_bytes(checkpoint.dump(Npp(arch="npp-light", width=4), "npp", {}))
    with pytest.raises(MissingError, match="kind npp, not proxy"):
        encoded(Mbt2018(str(other)), picture(8, 8), 34)

    sha256 = checkpoint.load(Path(weights_file).read_bytes(), "x").sha256
    entry = {"file": weights_file, "sha256": sha256}
    monkeypatch.setattr(weights, "installed", lambda: {"proxy": entry})
    assert Mbt2018().decode(data).width == 40
