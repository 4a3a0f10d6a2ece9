import json

import pytest

from neurocodec import images
from tests.cli.running import neurocodec
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, write

SEARCH = ("--codec", "jpeg", "--qp", 34, "--filter", "search:steps=2")


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.setattr("neurocodec.codecs.jpeg.lookup", lambda tool: None)
    for seed in range(3):
        (tmp_path / f"{seed} x.png").write_bytes(images.png(picture(48, 40, seed=seed)))
    write(tmp_path, CLASSIFIER)
    return tmp_path


def encoded(folder, *more):
    done = neurocodec("encode", *SEARCH, "--model", "tiny.net.safetensors", *more, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done


def test_json_says_what_the_search_did(pictures):
    record = json.loads(encoded(pictures, "0 x.png", "-o", "a.jpg", "--json").stdout)

    assert record["pre"] == "search:steps=2:model=tiny.net.safetensors"
    search = record["search"]
    assert search["steps"] == 2
    assert search["after"]["bpp"] == record["bpp"]
    assert {"bpp", "recognition", "d_m"} == search["before"].keys() == search["after"].keys()
    assert list(search["after"]["d_m"]) == ["tiny.net"]
    assert 0 < search["seconds"] <= record["encode_s"]


def test_text_says_the_rate_without_the_search(pictures):
    line = encoded(pictures, "0 x.png", "-o", "a.jpg").stdout.decode()

    assert "unfiltered" in line and "of search" in line


def test_as_many_processes_as_you_like_give_the_same_bytes(pictures):
    for jobs in (0, 2):
        encoded(pictures, "0 x.png", "1 x.png", "2 x.png", "-o", f"out{jobs}/", "-j", jobs)

    for name in ("0 x.jpg", "1 x.jpg", "2 x.jpg"):
        assert (pictures / "out0" / name).read_bytes() == (pictures / "out2" / name).read_bytes()


def test_filter_writes_the_picture_that_was_found(pictures):
    done = neurocodec(
        *("filter", "0 x.png", *SEARCH, "--model", "tiny.net.safetensors"),
        *("-o", "f.png", "--json"),
        cwd=pictures,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["search"]["steps"] == 2
    assert (pictures / "f.png").read_bytes() != (pictures / "0 x.png").read_bytes()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--filter", "none", "--model", "tiny.net.safetensors"), 2, b"--filter search"),
        (("--filter", "search", "--model", "no.safetensors"), 3, b"no.safetensors"),
        (("--filter", "search", "--model", "no_such_net"), 2, b"no model is called"),
        (("--filter", "search", "--task", "detection"), 2, b"add --model"),
        (
            (
                "--filter",
                "search:steps=x",
            ),
            2,
            b"whole number",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused(pictures, options, code, words):
    done = neurocodec("encode", "0 x.png", "--codec", "jpeg", "--qp", 34, *options, cwd=pictures)

    assert done.returncode == code, done.stderr
    assert words in done.stderr


def test_filter_refuses_what_only_a_file_can_hold(pictures):
    done = neurocodec(
        *("filter", "0 x.png", "--codec", "jpeg", "--qp", 34, "--filter", "search:tables=1"),
        *("--model", "tiny.net.safetensors", "-o", "f.png"),
        cwd=pictures,
    )

    assert done.returncode == 2
    assert b"use encode" in done.stderr


def test_evaluate_measures_it_and_keeps_its_files(pictures, monkeypatch):
    monkeypatch.setenv("NEUROCODEC_CACHE", str(pictures / "cache"))
    grid = ("--codec", "jpeg", "--qp", "30,34", "--filter", "none,search:steps=1", "-j", 0)
    common = ("evaluate", ".", "--task", "classification", "--model", "tiny.net.safetensors")
    first = neurocodec(*common, *grid, "-o", "r.jsonl", cwd=pictures)
    assert first.returncode == 0, first.stderr

    points = [json.loads(line) for line in (pictures / "r.jsonl").read_text().splitlines()]
    assert {point["pre"] for point in points} == {"none", "search:steps=1"}
    assert all(point["weights_sha256"] for point in points if point["pre"] != "none")
    assert len(list((pictures / "cache").rglob("*.jpg"))) == 3 * 4
