"""`choose-level`, with a tiny recogniser on made pictures."""

import json
import re
from pathlib import Path

import pytest

from neurocodec import images
from neurocodec.codecs.jpeg import Jpeg
from tests.cli.running import neurocodec
from tests.conftest import picture
from tests.networks.recogniser_files import write_sensitive

PICTURES = 3
JPEG = ("--codec", "jpeg", "--filter", "none")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_sensitive(tmp_path_factory.mktemp("model"))


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """Pictures whose labels the recogniser does not know."""
    monkeypatch.setenv("NEUROCODEC_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    rows = ["file,class_index"]
    for number in range(PICTURES):
        (folder / f"{number}.png").write_bytes(images.png(picture(40, 32, seed=number)))
        rows.append(f"{number}.png,999")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


def choose(data: Path, *arguments: object):
    done = neurocodec("choose-level", data, *JPEG, "-j", 0, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def kl_at(data: Path, model: Path, quality: int) -> dict:
    (data / "labels.csv").unlink(missing_ok=True)
    options = ("--task", "classification", "--model", model, "--quality", quality, "-j", 0)
    return json.loads(neurocodec("evaluate", data, *JPEG, *options).stdout)


def test_the_level_is_the_last_at_which_evaluate_measures_the_score(data, model):
    said = json.loads(choose(data, "--model", model, "--kl", 0.0007, "--json"))
    there, below = (kl_at(data, model, said["quality"] - step) for step in (0, 1))
    assert said["level"] == {"quality": said["quality"]}
    assert -there["scores"]["kl"] == pytest.approx(said["kl"])
    assert said["kl"] <= 0.0007 < -below["scores"]["kl"]
    assert said["bpp"] == there["bpp"]
    low, high = said["interval"]
    assert low <= said["kl"] <= high
    assert low < high
    assert (said["pictures"], said["met"], said["target"]) == (PICTURES, True, 0.0007)
    assert said["levels_measured"] in range(2, 8)


def test_the_line_has_level_score_interval_and_rate(data, model):
    line = choose(data, "--model", model, "--model", model, "--agreement", 0.6)
    number = r"\d+\.\d{3}"
    form = (
        rf"quality \d+  agreement {number} \[{number}, {number}\]  {number} bpp  "
        r"\(3 pictures, \d levels measured\)\n"
    )
    assert re.fullmatch(form, line)
    assert line == choose(data, "--model", model, "--model", model, "--agreement", 0.6)


def test_a_second_recogniser_and_a_second_run_encode_nothing(data, model, monkeypatch):
    first = choose(data, "--model", model, "--kl", 0.0007)

    def refuse(*arguments):
        raise AssertionError("encoded anew")

    monkeypatch.setattr(Jpeg, "_encode", refuse)
    assert choose(data, "--model", model, "--model", model, "--kl", 0.0007) == first


def test_without_a_cache_each_picture_is_encoded_once_a_level(data, model, monkeypatch):
    encoded = []
    encode = Jpeg._encode
    monkeypatch.setattr(Jpeg, "_encode", lambda *a: encoded.append(a[2]) or encode(*a))
    options = ("--model", model, "--model", model, "--kl", 0.0007, "--no-cache", "--json")
    said = json.loads(choose(data, *options))
    assert len(encoded) == PICTURES * said["levels_measured"]
    assert not (data.parent / "cache").exists()


def test_a_score_out_of_reach_is_noted(data, model):
    done = neurocodec(
        "choose-level", data, *JPEG, "-j", 0, "--model", model, "--kl", 1e-12, "--limit", 1
    )
    assert b"no level reaches kl" in done.stderr
    assert done.stdout.startswith(b"quality 100  kl ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "x"), b"give one of --agreement"),
        (("--model", "x", "--kl", "1", "--agreement", "1"), b"give one of --agreement"),
        (("--kl", "1"), b"--model"),
        (("--model", "x", "--kl", "x"), b"in nats"),
        (("--model", "x", "--kl", "1", "--task", "detection"), b"has no kl"),
        (("--model", "x", "--kl", "1"), b"no model is called"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense_is_refused(data, arguments, words):
    done = neurocodec("choose-level", data, *JPEG, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
