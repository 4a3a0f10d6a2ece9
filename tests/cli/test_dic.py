"""dic on the command line: levels, progressive files, weights."""

import json

import numpy as np
import pytest

from neurocodec import images
from tests.cli.running import neurocodec
from tests.conftest import picture
from tests.networks.dic_files import dic

CODEC = ("--codec", "dic:weights=dic-0.safetensors", "--filter", "none")


@pytest.fixture
def folder(tmp_path):
    for seed in range(2):
        (tmp_path / f"{seed} x.png").write_bytes(images.png(picture(60, 50, seed=seed)))
    dic(tmp_path)
    return tmp_path


def done(folder, *arguments):
    run = neurocodec(*arguments, cwd=folder)
    assert run.returncode == 0, run.stderr
    return run


def pixels(path):
    return images.read(path.read_bytes(), "x").pixels


def test_without_a_level_it_makes_four_iterations(folder):
    record = json.loads(done(folder, "encode", "0 x.png", *CODEC, "-o", "a.dic", "--json").stdout)

    assert record["level"] == {"iterations": 4}
    assert (record["qp"], record["quality"]) == (None, None)
    assert b"iterations      4" in done(folder, "info", "a.dic").stdout
    done(folder, "encode", "0 x.png", *CODEC, "--iterations", 4, "-o", "b.dic")
    assert (folder / "a.dic").read_bytes() == (folder / "b.dic").read_bytes()


def test_bpp_is_the_most_bits_within(folder):
    more = ("--bpp", 0.9, "--json", "--no-cache")
    record = json.loads(done(folder, "encode", "0 x.png", *CODEC, *more).stdout)

    assert record["bpp"] <= 0.9
    assert record["level"]["iterations"] > 0
    assert record["target"]["met"]


def test_a_cut_file_needs_partial(folder):
    done(folder, "encode", "0 x.png", *CODEC, "--iterations", 3, "-o", "a.dic")
    done(folder, "encode", "0 x.png", *CODEC, "--iterations", 1, "-o", "first.dic")
    (folder / "cut.dic").write_bytes((folder / "a.dic").read_bytes()[:-5])
    weights = ("--weights", "dic-0.safetensors")

    refused = neurocodec("decode", "cut.dic", *weights, cwd=folder)
    assert refused.returncode == 5
    assert b"parts           2 of 3" in done(folder, "info", "cut.dic").stdout
    assert b"2 of its 3 iterations are whole: --partial decodes these" in refused.stderr
    done(folder, "decode", "cut.dic", "--partial", *weights)
    done(folder, "decode", "a.dic", "first.dic", *weights)

    coarse, whole, first = (pixels(folder / f"{name}.png") for name in ("cut", "a", "first"))
    assert coarse.shape == whole.shape
    assert not np.array_equal(coarse, whole)
    assert not np.array_equal(coarse, first)


def test_decoding_without_the_weights_says_so(folder):
    done(folder, "encode", "0 x.png", *CODEC, "-o", "a.dic")
    missing = neurocodec("decode", "a.dic", cwd=folder)
    assert missing.returncode == 3
    assert b"not installed" in missing.stderr


def test_it_is_evaluated_by_iterations(folder):
    grid = ("--codec", CODEC[1], "--iterations", "1,3", "-j", 0, "--no-cache")
    run = done(folder, "evaluate", ".", "--task", "fidelity", *grid, "-o", "r.jsonl", "--per-image")

    assert b"iterations 3" in run.stdout
    again = done(folder, "evaluate", ".", "--task", "fidelity", *grid, "-o", "r.jsonl")
    assert b"2 points are in r.jsonl already" in again.stderr
    lines = [json.loads(line) for line in (folder / "r.jsonl").read_text().splitlines()]
    points = [line for line in lines if line["kind"] == "point"]
    assert [point["level"] for point in points] == [{"iterations": 1}, {"iterations": 3}]
    refused = neurocodec("evaluate", ".", "--task", "fidelity", *grid, "--qp", 30, cwd=folder)
    assert refused.returncode == 2
    assert b"give one of --qp and --iterations" in refused.stderr


def test_a_training_of_two_steps(folder):
    command = ("train-dic", "--data", ".", "-o", "out", "--width", 4, "--iterations", 2)
    few = ("--statistics", 2, "--batch", 8, "--max-steps", 2, "--validation", 0, "-j", 0)

    told = done(folder, *command, *few).stdout

    assert told.startswith(b"out/dic.safetensors  2 steps")
    done(folder, "encode", "1 x.png", "--codec", "dic:weights=out/dic.safetensors", "-o", "b.dic")
    refused = neurocodec(*command, *few, "--lmbda", 1, "--resume", cwd=folder)
    assert refused.returncode == 2
    assert b"--lmbda and --model belong together" in refused.stderr
