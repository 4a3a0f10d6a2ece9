import hashlib
import json

import pytest
import torch

from neurocodec import pretransforms, weights
from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.networks import checkpoint, release
from neurocodec.networks.npp import Npp
from neurocodec.networks.release import Release
from tests.conftest import picture

MEASURED = {
    "bd_rate_percent": -12.34,
    "interval": [-20.0, -4.0],
    "metric": "kl",
    "pictures": 500,
    "data": "/somewhere/pictures",
    "model": "tiny",
    "anchor": "codec=jpeg,pre=none",
    "test": "codec=jpeg,pre=auto",
}


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """An empty folder of weights that is the installed one."""
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path / "shelf"))
    yield tmp_path / "shelf"
    weights._manifest.cache_clear()


@pytest.fixture
def trained(tmp_path):
    torch.manual_seed(0)
    made = {"codec": "jpeg", "qps": [22, 45], "config": {"command": "train-npp …", "data": "d"}}
    path = tmp_path / "npp.safetensors"
    path.write_bytes(checkpoint.dump(Npp(arch="npp-light", width=4), "npp", made))
    return path


def test_what_is_added_is_found_verified_and_used_by_name(shelf, trained):
    target = release.add(trained, Release("mine", automatic=["jpeg"], commit="abc"))

    assert target == shelf / "mine.safetensors"
    assert weights.automatic("jpeg") == "npp:weights=mine"
    assert weights.automatic("bpg") is None
    assert weights.automatic_for("mine") == ["jpeg"]
    assert weights.entry("mine")["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert release.check("mine").made["codec"] == "jpeg"
    filtered = pretransforms.create("npp:weights=mine")(picture(32, 32), 34)
    assert filtered.pixels.shape == (32, 32, 3)


def test_a_second_one_leaves_the_first(shelf, trained):
    release.add(trained, Release("one", automatic=["jpeg", "bpg"]))
    release.add(trained, Release("two", automatic=["bpg"]))

    assert list(weights.installed()) == ["one", "two"]
    assert weights.automatic_for("one") == ["jpeg"]
    assert weights.automatic_for("two") == ["bpg"]


def test_half_precision_halves_the_file_and_hardly_changes_the_network(shelf, trained):
    target = release.add(trained, Release("half", half=True))

    assert target.stat().st_size < 0.7 * trained.stat().st_size
    whole, half = checkpoint.load(trained.read_bytes(), "x"), release.check("half")
    x = torch.rand(1, 3, 32, 32)
    assert (whole.network(x, 34.0) - half.network(x, 34.0)).abs().max() < 1 / 255
    assert half.made == whole.made


def test_the_card_says_what_made_it_and_what_was_measured(shelf, trained):
    release.add(trained, Release("mine", commit="abc", note="For signs.", measured=[MEASURED]))

    card = (shelf / "mine.md").read_text()
    assert card == release.card("mine", weights.entry("mine"))
    assert "- command: train-npp …\n" in card
    assert "- commit: abc\n" in card
    assert "- qps: 22, 45\n" in card
    assert "\n\nFor signs.\n\n" in card
    cells = ("pictures", "tiny", MEASURED["anchor"], MEASURED["test"], "kl", "-12.3 %")
    assert f"| {' | '.join(cells)} | [-20.0, -4.0] | 500 |" in card


def test_a_file_that_changed_is_no_longer_that_weight(shelf, trained):
    target = release.add(trained, Release("mine"))
    target.write_bytes(target.read_bytes() + b"x")

    with pytest.raises(MissingError, match="is not the file that the manifest means"):
        release.check("mine")


@pytest.mark.parametrize("name", ["", "a/b", "..", ".x"])
def test_names_that_are_none(shelf, trained, name):
    with pytest.raises(UsageError, match="is no name for weights"):
        release.add(trained, Release(name))
    assert not shelf.exists()


def test_what_holds_no_network_is_not_added(shelf, tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"nothing")

    with pytest.raises(BadInputError):
        release.add(tmp_path / "x.safetensors", Release("mine"))
    assert weights.installed() == {}


@pytest.mark.parametrize("text", ["no json", "[]", '{"bd_rate_percent": -1}', json.dumps({})])
def test_measurements_that_are_none(tmp_path, text):
    (tmp_path / "bd.jsonl").write_text(text)

    with pytest.raises(BadInputError, match="bdrate --json"):
        release.measurements(tmp_path / "bd.jsonl")


def test_measurements_are_read_line_by_line(tmp_path):
    (tmp_path / "bd.jsonl").write_text(json.dumps(MEASURED) + "\n\n" + json.dumps(MEASURED) + "\n")

    assert release.measurements(tmp_path / "bd.jsonl") == [MEASURED, MEASURED]
