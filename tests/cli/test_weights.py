import json

import pytest
from click.testing import CliRunner

from neurocodec import images, weights
from neurocodec.cli.commands import weights as commands
from neurocodec.errors import MissingError
from neurocodec.networks import checkpoint
from neurocodec.networks.npp import Npp
from tests.cli.running import neurocodec
from tests.conftest import picture


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of weights with one that is the filter of `--filter auto` for JPEG."""
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path / "shelf"))
    trained = tmp_path / "npp.safetensors"
    made = {"codec": "jpeg", "qps": [22, 45], "config": {"command": "neurocodec train-npp …"}}
    trained.write_bytes(checkpoint.dump(Npp(arch="npp-light", width=4), "npp", made))
    done = run("add", trained, "mine", "--auto", "jpeg", "--half")
    assert done.stdout.strip() == str(tmp_path / "shelf" / "mine.safetensors")
    return tmp_path / "shelf"


def run(*arguments):
    """`neurocodec weights` in this process; what it raises comes out."""
    return CliRunner().invoke(commands.weights, list(map(str, arguments)), catch_exceptions=False)


def test_what_was_added_is_listed_shown_and_verified(shelf):
    listed = json.loads(run("list", "--json").stdout)
    assert (listed["name"], listed["auto"], listed["codec"]) == ("mine", ["jpeg"], "jpeg")
    assert "* jpeg" in run("list").stdout
    assert run("show", "mine").stdout == (shelf / "mine.md").read_text()
    assert json.loads(run("show", "mine", "--json").stdout)["qps"] == [22, 45]
    verified = run("verify").stdout.splitlines()
    assert [line.split() for line in verified] == [
        ["mine", "ok"],
        ["auto", "for", "jpeg", "ok", "(npp:weights=mine)"],
    ]


def test_what_was_added_encodes_by_default(shelf, tmp_path):
    images.to_pillow(picture(32, 32)).save(tmp_path / "in.png")
    done = neurocodec("encode", "in.png", "--codec", "jpeg", "--qp", 34, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["pre"] == "npp:weights=mine"
    assert b"filtered for recognisers by npp:weights=mine" in done.stderr


@pytest.mark.slow
def test_outside_its_qps_an_automatic_filter_says_that_it_does_not_filter(shelf, tmp_path):
    images.to_pillow(picture(32, 32)).save(tmp_path / "in.png")
    done = neurocodec("encode", "in.png", "--codec", "jpeg", "--qp", 50, cwd=tmp_path)
    assert b"does not filter" in done.stderr


def test_damaged_weights_are_named_and_the_exit_is_3(shelf):
    path = shelf / "mine.safetensors"
    path.write_bytes(path.read_bytes()[:-1])

    done = neurocodec("weights", "verify")

    assert done.returncode == 3
    assert b"is truncated: 1 of its" in done.stderr
    assert b"verification failed: mine, auto for jpeg" in done.stderr


@pytest.mark.parametrize(
    "spec", ["none", "blur:sigma=0.5", "npp:tile=64:weights=mine", "npp:weights=mine:tile=64"]
)
def test_verify_takes_every_automatic_filter_that_encode_takes(shelf, spec):
    weights.enter("mine", weights.entry("mine"), {"jpeg": spec})

    done = run("verify")

    assert done.exit_code == 0
    assert f"ok ({spec})" in done.stdout
    assert weights.automatic_for("mine") == (["jpeg"] if "npp" in spec else [])


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("npp:weights=yours", "auto for jpeg: no weights are called 'yours'"),
        ("tv:weights=mine", "auto for jpeg: weights mine are for npp, not tv"),
        ("blur:sigma=-1", "auto for jpeg: "),
        ("sharpen", "auto for jpeg: no filter is called 'sharpen'"),
    ],
)
def test_verify_refuses_an_automatic_filter_that_encode_refuses(shelf, capsys, spec, reason):
    weights.enter("mine", weights.entry("mine"), {"jpeg": spec})

    with pytest.raises(MissingError, match="verification failed: auto for jpeg"):
        commands.weights.main(["verify"], standalone_mode=False)
    assert reason in " ".join(capsys.readouterr().err.split())


def test_weights_whose_python_package_is_absent_are_intact_and_not_loaded(shelf, monkeypatch):
    def load(data, name):
        raise MissingError("needs compressai")

    monkeypatch.setattr(checkpoint, "load", load)

    done = run("verify", "mine")

    assert done.exit_code == 0
    assert "intact, not loaded: needs compressai" in done.stdout


def test_unknown_weights_are_refused(shelf, capsys):
    message = r"no weights are called 'yours' \(installed: mine\)"
    with pytest.raises(MissingError, match=message):
        run("show", "yours")
    with pytest.raises(MissingError, match="verification failed: yours"):
        run("verify", "yours")


def test_the_weights_of_the_project_are_whole(project_weights):
    listed = list(weights.installed().values())

    verified = run("verify").stdout.splitlines()

    assert len(verified) == len(listed) + len(weights.automatic()) > 0
    assert all(" ok" in line or "compressai" in line for line in verified)
    assert "bpg" in weights.automatic()
    assert sum(entry["size_bytes"] for entry in listed) < 80e6


@pytest.mark.slow
def test_lossless_is_not_filtered(shelf, tmp_path):
    run("add", tmp_path / "npp.safetensors", "bpg", "--auto", "bpg")
    images.to_pillow(picture(32, 32)).save(tmp_path / "in.png")

    for codec, filter in (("bpg", "npp:weights=bpg"), ("bpg:lossless=1", "none")):
        command = ("encode", "in.png", "--codec", codec, "--qp", 34, "--json")
        done = neurocodec(*command, cwd=tmp_path)
        assert json.loads(done.stdout)["pre"] == filter
        assert (b"filter" in done.stderr) is (filter != "none")
