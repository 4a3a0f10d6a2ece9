"""A trained filter before the encoder, with a tiny network of random weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from neurocodec import images
from neurocodec.networks import checkpoint
from tests.cli.running import neurocodec
from tests.conftest import picture
from tests.networks.filter_files import npp_light
from tests.networks.recogniser_files import CLASSIFIER, write

OUTSIDE = b"npp knows QP 30 to 45 only: outside it does not filter"
JPEG = ("--codec", "jpeg")


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return npp_light(tmp_path_factory.mktemp("weights"), width=4, std=0.1, qps=[30, 45])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "pictures"
    path.mkdir()
    for seed in range(3):
        (path / f"{seed}.png").write_bytes(images.png(picture(40 + seed, 33, seed=seed)))
    return path


def encoded(source: Path, target: Path, *arguments: object) -> bytes:
    """What the command said on standard error."""
    done = neurocodec("encode", source, "-o", target, *JPEG, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_one_picture_and_many_are_filtered_alike(folder, weights, tmp_path):
    pre = ("--filter", f"npp:weights={weights}", "--qp", 34)
    alone, plain, many = tmp_path / "alone.jpg", tmp_path / "plain.jpg", tmp_path / "many"

    said = encoded(folder / "1.png", alone, *pre) + encoded(folder, many, *pre, "-j", 2)
    encoded(folder / "1.png", plain, "--filter", "none", "--qp", 34)

    assert alone.read_bytes() == (many / "1.jpg").read_bytes() != plain.read_bytes()
    assert OUTSIDE not in said


def test_a_qp_that_was_not_trained_passes_pictures_unchanged_and_says_so_once(
    folder, weights, tmp_path
):
    filtered, plain = tmp_path / "filtered", tmp_path / "plain"

    said = encoded(folder, filtered, "--filter", f"npp:weights={weights}", "--qp", 26, "-j", 2)
    encoded(folder, plain, "--filter", "none", "--qp", 26, "-j", 1)

    assert said.count(OUTSIDE) == 1
    for path in plain.iterdir():
        assert (filtered / path.name).read_bytes() == path.read_bytes()


def test_evaluate_names_the_weights_and_says_once_what_it_does_not_filter(
    folder, weights, tmp_path
):
    model = write(tmp_path, CLASSIFIER)
    pres = f"none,npp:weights={weights}"

    done = neurocodec(
        "evaluate", folder, "--task", "classification", "--model", model, *JPEG, "--no-cache",
        "--qp", "24,27,34", "--filter", pres, "-j", 2,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stderr.count(OUTSIDE) == 1
    points = [json.loads(line) for line in done.stdout.splitlines()]
    bpp = {(bool(point["weights_sha256"]), point["qp"]): point["bpp"] for point in points}
    assert bpp[True, 34] != bpp[False, 34]
    assert (bpp[True, 24], bpp[True, 27]) == (bpp[False, 24], bpp[False, 27])


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, 3, b"cannot be read"),
        (b"hello", 5, b"not a safetensors file"),
        (checkpoint.tensors_file({"a": torch.zeros(1)}, {}), 5, b"holds no network"),
    ],
    ids=["absent", "text", "tensors"],
)
def test_weights_that_are_none_take_one_line(folder, tmp_path, content, code, words):
    path = tmp_path / "other.safetensors"
    if content is not None:
        path.write_bytes(content)

    done = neurocodec("encode", folder, "--filter", f"npp:weights={path}", "--qp", 34, *JPEG)

    assert done.returncode == code
    assert words in done.stderr
    assert str(path).encode() in done.stderr
    assert len(done.stderr.splitlines()) == 1


def pixels(path: Path) -> np.ndarray:
    return images.read(path.read_bytes(), path.name).pixels.astype(int)


def records(done) -> list[dict]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_weights_named_by_themselves_are_those_in_the_filter(folder, weights, tmp_path):
    short = ("--filter", "npp", "--weights", weights, "--qp", 34)
    long, brief, shown = tmp_path / "long", tmp_path / "brief", tmp_path / "shown"

    encoded(folder, long, "--filter", f"npp:weights={weights}", "--qp", 34, "-j", 1)
    encoded(folder, brief, *short, "-j", 1)
    done = neurocodec("filter", folder, "-o", shown, *short, *JPEG, "--json")

    for path in long.iterdir():
        assert (brief / path.name).read_bytes() == path.read_bytes()
    assert {record["pre"] for record in records(done)} == {f"npp:weights={weights}"}


def test_weights_for_no_trained_filter_are_a_usage_error(folder, weights):
    for command in (("encode", folder), ("evaluate", folder, "--task", "fidelity")):
        done = neurocodec(*command, *JPEG, "--qp", 34, "--filter", "blur", "--weights", weights)

        assert done.returncode == 2
        assert b"--weights is for a trained filter, not for --filter blur" in done.stderr


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("command", ["encode", "filter"])
def test_a_batch_keeps_order_and_costs_a_bad_file_only(folder, weights, tmp_path, jobs, command):
    (folder / "10.png").write_bytes(images.png(picture(41, 33, seed=10)))
    (folder / "11.png").write_bytes(b"no picture")
    (folder / "12.png").write_bytes(images.png(picture(41, 33, seed=12, alpha=True)))
    common = (command, folder, "--json", *JPEG, "--qp", 34, "-j", jobs, "--flatten", "white")
    alone, together = tmp_path / "alone", tmp_path / "together"

    one = neurocodec(*common, "-o", alone, "--filter", f"npp:weights={weights}")
    many = neurocodec(*common, "-o", together, "--filter", f"npp:weights={weights}:batch=4")

    names = [json.loads(line)["input"] for line in many.stdout.splitlines()]
    assert names == [json.loads(line)["input"] for line in one.stdout.splitlines()]
    assert [Path(name).stem for name in names] == ["0", "1", "10", "11", "12", "2"]
    assert many.returncode == one.returncode == 5
    assert b"11.png" in many.stderr
    for path in sorted(alone.iterdir()):
        want, got = pixels(path), pixels(together / path.name)
        assert abs(want - got).max() <= (1 if command == "filter" else 16)  # JPEG adds its own
