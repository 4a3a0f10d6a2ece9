"""`neurocodec bdrate` as users run it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from neurocodec.evaluation.results import dump
from tests.cli.running import neurocodec
from tests.evaluation.made import points, results

PRES = (("none", 1.0), ("blur:sigma=0.5", 0.9))
CHOICE = ("--anchor", "codec=bpg,pre=none", "--test", "codec=bpg,pre=blur:sigma=0.5")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return [dump(result) for result in results(np.random.default_rng(0), *PRES)]


@pytest.fixture
def file(tmp_path: Path, lines: list[str]) -> Path:
    path = tmp_path / "results.jsonl"
    path.write_text("\n".join(lines))
    return path


def test_json_says_the_number_its_interval_and_how_it_came(file):
    done = neurocodec("bdrate", file, *CHOICE, "--bootstrap", "100", "--json")
    said = json.loads(done.stdout)
    assert said["interval"][0] < said["bd_rate_percent"] < said["interval"][1]
    assert said["bd_rate_percent"] == pytest.approx(-10, abs=4)
    assert (said["points"], said["method"], said["metric"]) == ([5, 5], "pchip", "kl")
    assert 0.9 < said["overlap"]["fraction"] <= 1


def test_at_a_rate_scores_are_compared(file):
    at = (*CHOICE, "--bootstrap", "100", "--at-bpp", "0.5")
    said = json.loads(neurocodec("bdrate", file, *at, "--json").stdout)
    assert (said["bpp"], said["metric"], said["pictures"]) == (0.5, "kl", 60)
    assert said["interval"][0] < said["difference"] < said["interval"][1]
    assert re.fullmatch(
        r"at 0\.5 bpp kl -\d\.\d{4} → -\d\.\d{4}: \+\d\.\d{4} "
        r"\[[-+]\d\.\d{4}, \+\d\.\d{4}\], 60 pictures\n",
        neurocodec("bdrate", file, *at).stdout.decode(),
    )
    beyond = neurocodec("bdrate", file, *CHOICE, "--at-bpp", "9")
    assert beyond.returncode == 7
    assert b"measure more levels" in beyond.stderr


def test_a_pipe_and_text(lines):
    done = neurocodec("bdrate", "-", *CHOICE, "--bootstrap", "50", stdin="\n".join(lines).encode())
    assert re.fullmatch(
        r"BD-rate\(kl\) -\d+\.\d % \[-\d+\.\d, [-+]\d+\.\d\] over \d\.\d\d–\d\.\d\d bpp "
        r"\(\d+% of the scores' range\), 5 and 5 points, pchip, 60 pictures, "
        r"50 replicates, 0 failed\n",
        done.stdout.decode(),
    )


def test_two_files_are_anchor_and_test_and_without_pictures_there_is_no_interval(tmp_path, lines):
    kept = [line for line in lines if '"kind": "point"' in line]
    for name, part in (("a", kept[:5]), ("b", kept[:5])):
        (tmp_path / name).write_text("\n".join(part))
    done = neurocodec("bdrate", tmp_path / "a", tmp_path / "b")
    assert done.stdout.startswith(b"BD-rate(kl) 0.0 % without an interval")
    assert b"--per-image" in done.stdout


def test_what_cannot_be_compared_exits_7(file, tmp_path, lines):
    other = tmp_path / "other.jsonl"
    other.write_text("\n".join(lines[-61:]))
    done = neurocodec("bdrate", file, other, "--anchor", "pre=none")
    assert done.returncode == 7
    assert b"test curve has 1:" in done.stderr


def test_an_unclear_choice_exits_2(file):
    done = neurocodec("bdrate", file, "--anchor", "codec=bpg", "--test", "pre=none")
    assert done.returncode == 2
    assert b"filter=none | blur:sigma=0.5" in done.stderr


def test_a_file_that_is_no_results_exits_5(tmp_path):
    (tmp_path / "r").write_text('{"kind": "point"}\n')
    done = neurocodec("bdrate", tmp_path / "r", "--anchor", "a=b")
    assert done.returncode == 5
    assert b"r:1" in done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": {"top1": None}}, b'scores: {"top1": null}'),
        ({"bpp": float("nan")}, b"bpp: NaN"),
        ({"bpp": 0}, b"bpp: 0"),
    ],
)
def test_a_line_that_cannot_be_exits_5_with_its_number(tmp_path, lines, change, message):
    kept = [line for line in lines if '"kind": "point"' in line]
    (tmp_path / "anchor").write_text("\n".join(kept[:5]))
    wrong = json.dumps(json.loads(kept[6]) | change)
    (tmp_path / "test").write_text("\n".join([kept[5], wrong, *kept[7:]]))
    done = neurocodec("bdrate", tmp_path / "anchor", tmp_path / "test", "--metric", "top1")
    assert done.returncode == 5
    assert b"test:2: not a result line (" + message in done.stderr


def test_a_last_line_that_is_cut_is_left_out(file, lines):
    whole = neurocodec("bdrate", file, *CHOICE, "--bootstrap", "0").stdout
    file.write_text("\n".join([*lines, lines[-1][:200]]))
    done = neurocodec("bdrate", file, *CHOICE, "--bootstrap", "0")
    assert (done.returncode, done.stdout) == (0, whole)
    assert b"the last line is incomplete" in done.stderr


def test_curves_that_hardly_overlap_exit_7(tmp_path):
    curves = {"anchor": (0.5, 0.62, 0.7, 0.74), "test": (0.7399, 0.85, 0.9, 0.95)}
    for name, scores in curves.items():
        curve = points([0.2, 0.4, 0.8, 1.6], scores, "top1")
        (tmp_path / name).write_text("\n".join(map(dump, curve.points)))
    done = neurocodec("bdrate", tmp_path / "anchor", tmp_path / "test", "--metric", "top1")
    assert done.returncode == 7
    assert b"overlap in 0.02% of their range" in done.stderr
