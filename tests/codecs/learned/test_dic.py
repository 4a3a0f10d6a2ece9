"""dic: a file's first parts are a coarser picture, and its weights are found or named."""

from pathlib import Path

import pytest

from neurocodec import codecs, weights
from neurocodec.codecs.learned.dic import DicCodec
from neurocodec.errors import BadInputError, MissingError
from neurocodec.networks import checkpoint
from tests.codecs.coding import encoded
from tests.conftest import picture

IMAGE = picture(70, 45)


@pytest.fixture
def codec(dic_weights):
    return codecs.create(f"dic:weights={dic_weights(0)}")


@pytest.fixture
def partial(dic_weights):
    return codecs.create(f"dic:weights={dic_weights(0)}", partial=True)


def ends(codec, iterations):
    """Where the files of one iteration, two … end."""
    return [len(encoded(codec, IMAGE, count)) for count in range(1, iterations + 1)]


def test_a_cut_file_decodes_to_its_whole_iterations(codec, partial):
    data = encoded(codec, IMAGE, 4)
    whole = ends(codec, 4)
    assert whole[-1] == len(data)
    for count, end in enumerate(whole, 1):
        coarser = codec.decode(encoded(codec, IMAGE, count))
        for cut in (end, end + 3):
            assert (partial.decode(data[:cut]).pixels == coarser.pixels).all()
    with pytest.raises(BadInputError, match="not one of its iterations is whole"):
        partial.decode(data[: whole[0] - 1])


def test_a_cut_file_is_refused_with_what_to_do(codec):
    data = encoded(codec, IMAGE, 4)
    with pytest.raises(BadInputError, match="2 of its 4 iterations are whole: --partial"):
        codec.decode(data[: ends(codec, 2)[1] + 5])


def test_damage_is_refused_however_it_is_decoded(codec, partial):
    data = bytearray(encoded(codec, IMAGE, 2))
    data[-8] ^= 1
    for one in (codec, partial):
        with pytest.raises(BadInputError, match="a checksum does not match"):
            one.decode(bytes(data))


def test_more_iterations_than_were_trained_are_coded(codec):
    assert len(encoded(codec, IMAGE, 16)) > len(encoded(codec, IMAGE, 8))
    assert codec.decode(encoded(codec, IMAGE, 16)).pixels.shape == IMAGE.pixels.shape


def test_default_weights_that_are_not_installed_are_asked_for(monkeypatch):
    monkeypatch.setattr(weights, "installed", dict)
    with pytest.raises(MissingError, match="dic needs weights: write dic:weights=NAME or FILE"):
        encoded(DicCodec(), picture(16, 16), 1)


def test_weights_of_a_file_are_found_among_installed_ones(codec, dic_weights, monkeypatch):
    data = encoded(codec, IMAGE, 1)
    with pytest.raises(MissingError, match="not with"):
        DicCodec(dic_weights(1)).decode(data)
    with pytest.raises(MissingError, match="not installed"):
        DicCodec().decode(data)

    path = dic_weights(0)
    sha256 = checkpoint.load(Path(path).read_bytes(), "x").sha256
    monkeypatch.setattr(weights, "installed", lambda: {"mine": {"file": path, "sha256": sha256}})
    assert DicCodec().decode(data).width == IMAGE.width
