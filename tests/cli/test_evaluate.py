"""evaluate, with a tiny recogniser on made pictures."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from neurocodec import images
from tests.cli.running import COMMAND, neurocodec
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, write

PICTURES = 3
MODEL = "tiny.net.safetensors"
JPEG = ("--codec", "jpeg", "--qp", "28,31,34,37")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Iterator[Path]:
    """A labelled folder, a recogniser and a cache beside it, which the tests share."""
    folder = tmp_path_factory.mktemp("evaluate") / "data"
    folder.mkdir()
    write(folder.parent, CLASSIFIER)
    rows = ["file,class_index"]
    for number in range(PICTURES):
        image = images.to_pillow(picture(40 + number % 3, 32, seed=number))
        image.save(folder / f"{number:02}.png")
        rows.append(f"{number:02}.png,{number % 10}")
    (folder / "labels.csv").write_text("\n".join(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROCODEC_CACHE", str(folder.parent / "cache"))
        yield folder


@pytest.fixture(scope="module")
def measured(data) -> Path:
    """Results of two curves, with their pictures."""
    out = data.parent / "r.jsonl"
    done = evaluate(data, *JPEG, "--filter", "none,blur:sigma=1", "-o", out, "--per-image")
    assert done.returncode == 0, done.stderr
    return out


def evaluate(data: Path, *arguments: object):
    return asked(data, data.parent / MODEL, *arguments)


def asked(data: Path, model: Path, *arguments: object):
    options = ("--task", "classification", "--model", model, "--jobs", "0")
    return neurocodec("evaluate", data, *options, *arguments)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_point_is_the_sum_of_its_pictures(data, measured):
    results = lines(measured)
    points = [result for result in results if result["kind"] == "point"]
    assert len(points) == 8
    assert len(results) == 8 + 8 * PICTURES
    for point in points:
        assert point["level"] == {"qp": point["qp"]}
        assert point["command"].startswith(f"neurocodec evaluate {data}")
        assert point["date"].endswith("+00:00")
        pictured = [
            result
            for result in results
            if result["kind"] == "picture"
            and (result["pre"], result["qp"]) == (point["pre"], point["qp"])
        ]
        bits = 8 * sum(result["size_bytes"] for result in pictured)
        assert point["bpp"] == bits / sum(r["width"] * r["height"] for r in pictured)
        for metric in ("top1", "top5", "agreement", "kl"):
            mean = sum(result["scores"][metric] for result in pictured) / PICTURES
            assert point["scores"][metric] == pytest.approx(mean)


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_results(data, tmp_path):
    whole, killed = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    grid = (*JPEG, "--filter", "tvl1:iterations=3000", "--per-image", "--jobs", "2")
    command = [
        *COMMAND,
        "evaluate",
        data,
        "--task",
        "classification",
        "--model",
        data.parent / MODEL,
        *grid,
    ]
    command += ["-o", killed]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        for _ in range(1200):
            if killed.exists() and killed.stat().st_size:
                break
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    before = killed.read_bytes()
    points = before.count(b'"kind": "point"')
    assert 1 <= points < 4
    again = evaluate(data, *grid, "-o", killed)
    assert again.returncode == 0, again.stderr
    assert f"{points} points are in".encode() in again.stderr
    assert evaluate(data, *grid, "-o", whole, "--no-cache").returncode == 0
    assert [_undated(line) for line in lines(killed)] == [_undated(line) for line in lines(whole)]


def _undated(line: dict) -> dict:
    return {key: value for key, value in line.items() if key not in {"date", "command"}}


def test_coded_files_are_kept_for_the_next_recogniser(data, measured):
    cache = data.parent / "cache"
    coded = {path: path.stat().st_mtime_ns for path in cache.rglob("*.jpg")}
    assert len(coded) >= 2 * 4 * PICTURES
    assert (
        neurocodec(
            "evaluate", data, "--task", "fidelity", *JPEG[:2], "--qp", "34", "--jobs", "0"
        ).returncode
        == 0
    )
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.jpg")} == coded


def test_several_recognisers_are_asked_in_one_run(data, measured, tmp_path):
    other = tmp_path / "other.safetensors"
    for path in (data.parent / MODEL, (data.parent / MODEL).with_suffix(".json")):
        shutil.copy(path, other.with_suffix(path.suffix))
    out = tmp_path / "r.jsonl"
    done = evaluate(data, *JPEG, "--model", other, "--model", other, "-o", out, "--per-image")
    assert done.returncode == 0, done.stderr
    points = [line for line in lines(out) if line["kind"] == "point"]
    assert [line["model"] for line in points] == ["tiny.net", "other"] * 4
    assert [line["scores"] for line in points[::2]] == [line["scores"] for line in points[1::2]]
    again = evaluate(data, *JPEG, "--model", other, "-o", out, "--per-image")
    assert b"8 points are in" in again.stderr


def test_results_go_to_stdout_without_a_file_and_max_bpp_leaves_out(data, measured):
    points = [line for line in lines(measured) if (line["kind"], line["pre"]) == ("point", "none")]
    rates = sorted(point["bpp"] for point in points)
    limited = evaluate(data, *JPEG, "--max-bpp", (rates[1] + rates[2]) / 2)
    shown = [json.loads(line) for line in limited.stdout.splitlines()]
    assert sorted(point["bpp"] for point in shown) == rates[:2]
    assert limited.stderr.count(b"left out") == 2


def test_a_curve_against_itself_is_zero(measured):
    choice = ("--anchor", "filter=none", "--test", "filter=none", "--bootstrap", "50", "--json")
    assert json.loads(neurocodec("bdrate", measured, *choice).stdout)["bd_rate_percent"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--qp", "34,x"), 2, b"whole numbers"),
        (("--qp", "51", "--codec", "jpeg"), 2, b"does not reach BPG's rate"),
        (("--codec", "jpg"), 2, b"bpg, jpeg"),
        (("--filter", "blurr"), 2, b"no filter"),
        (("--task", "naming"), 2, b"no task"),
    ],
)
def test_a_senseless_grid_is_refused_before_any_work(data, arguments, code, words):
    done = evaluate(data, *arguments)
    assert done.returncode == code
    assert words in done.stderr


def test_a_bad_picture_stops_the_run_by_name(data, tmp_path):
    broken = shutil.copytree(data, tmp_path / "broken")
    (broken / "02.png").write_bytes(b"no picture")
    done = asked(broken, data.parent / MODEL, *JPEG)
    assert done.returncode == 5
    assert b"02.png" in done.stderr


@pytest.mark.slow
def test_segmentation_and_detection_run_on_random_weights(data, tmp_path):
    for task, model in (
        ("segmentation", "lraspp_mobilenet_v3_large:random"),
        ("detection", "ssdlite320_mobilenet_v3_large:random"),
    ):
        done = neurocodec(
            "evaluate", data, "--task", task, "--model", model, "--limit", 2, *JPEG[:2], "--qp", 34,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["pictures"] == 2
