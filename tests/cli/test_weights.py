import json

import pytest

from neurocodec import images, weights
from neurocodec.networks import checkpoint
from neurocodec.networks.npp import Npp
from tests.cli.running import neurocodec
from tests.conftest import picture


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of weights with one that is the filter of `--pre auto` for JPEG."""
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path / "shelf"))
    trained = tmp_path / "npp.safetensors"
    made = {"codec": "jpeg", "qps": [22, 45], "config": {"command": "neurocodec train-npp …"}}
    trained.write_bytes(checkpoint.dump(Npp(arch="npp-light", width=4), "npp", made))
    done = neurocodec("weights", "add", trained, "mine", "--auto", "jpeg", "--half")
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().strip() == str(tmp_path / "shelf" / "mine.safetensors")
    return tmp_path / "shelf"


def test_what_was_added_is_listed_shown_verified_and_encodes_by_default(shelf, tmp_path):
    listed = json.loads(neurocodec("weights", "list", "--json").stdout)
    assert (listed["name"], listed["auto"], listed["codec"]) == ("mine", ["jpeg"], "jpeg")
    assert b"* jpeg" in neurocodec("weights", "list").stdout
    assert neurocodec("weights", "show", "mine").stdout == (shelf / "mine.md").read_bytes()
    assert json.loads(neurocodec("weights", "show", "mine", "--json").stdout)["qps"] == [22, 45]
    assert neurocodec("weights", "verify").stdout.split() == [b"mine", b"ok"]

    images.to_pillow(picture(32, 32)).save(tmp_path / "in.png")
    done = neurocodec("encode", "in.png", "--codec", "jpeg", "--qp", 34, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["pre"] == "npp:weights=mine"
    said = b"filtered for recognisers by npp:weights=mine: --pre none"
    assert said in done.stderr
    done = neurocodec(
        "encode", "in.png", "--codec", "jpeg", "--qp", 50, "-o", "b.jpg", cwd=tmp_path
    )
    assert said not in done.stderr and b"does not filter" in done.stderr


def test_damaged_weights_are_named_and_the_exit_is_3(shelf):
    path = shelf / "mine.safetensors"
    path.write_bytes(path.read_bytes()[:-1])

    done = neurocodec("weights", "verify")

    assert done.returncode == 3
    assert b"is not the file that the manifest means" in done.stderr
    assert b"not as they should be: mine" in done.stderr


def test_weights_that_there_are_not(shelf):
    for command in ("show", "verify"):
        done = neurocodec("weights", command, "yours")
        assert done.returncode == 3
        assert b"no weights are called 'yours': installed are mine" in done.stderr


def test_the_weights_of_the_project_are_whole(project_weights):
    listed = [
        json.loads(line) for line in neurocodec("weights", "list", "--json").stdout.splitlines()
    ]

    done = neurocodec("weights", "verify")

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(listed) > 0
    assert "bpg" in [codec for one in listed for codec in one["auto"]]
    assert sum(one["size_bytes"] for one in listed) < 80e6


def test_lossless_is_not_filtered(shelf, tmp_path):
    trained = tmp_path / "npp.safetensors"
    neurocodec("weights", "add", trained, "bpg", "--auto", "bpg")
    images.to_pillow(picture(32, 32)).save(tmp_path / "in.png")

    for codec, pre in (("bpg", "npp:weights=bpg"), ("bpg:lossless=1", "none")):
        command = ("encode", "in.png", "--codec", codec, "--qp", 34, "--json")
        done = neurocodec(*command, cwd=tmp_path)
        assert json.loads(done.stdout)["pre"] == pre
        assert (b"filter" in done.stderr) is (pre != "none")
