"""`neurocodec choose` as users run it."""

import json
from pathlib import Path

import pytest

from neurocodec import filters
from neurocodec.evaluation.results import dump
from tests.cli.running import neurocodec
from tests.evaluation.made import points

RATES = (1.2, 0.85, 0.6, 0.4, 0.22)
SCORES = (-0.05, -0.1, -0.2, -0.35, -0.6)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """No filter, a blur that saves bits for nothing, and one that loses everything."""
    curves = [
        points(RATES, SCORES),
        points([0.8 * rate for rate in RATES], SCORES, pre="blur:sigma=0.4"),
        points([0.9 * rate for rate in RATES], [9 * s for s in SCORES], pre="blur:sigma=3"),
    ]
    path = tmp_path / "results.jsonl"
    path.write_text("\n".join(dump(point) for curve in curves for point in curve.points))
    return path


def _choose(file: Path, *options: str) -> object:
    return neurocodec("choose", file, *options, "-o", file.parent / "schedule.json")


@pytest.mark.parametrize("option", ["--filter", "--pre"])
def test_a_schedule_is_written_that_filters_read(file, option):
    done = _choose(file, "--codec", "bpg", option, "blur")
    assert done.stdout.decode().splitlines() == [
        f"qp {qp}  blur:sigma=0.4" for qp in (28, 31, 34, 37, 41)
    ]
    chosen = json.loads((file.parent / "schedule.json").read_text())["filters"]
    assert chosen == {str(qp): "blur:sigma=0.4" for qp in (28, 31, 34, 37, 41)}
    schedule = filters.create(f"schedule:file={file.parent / 'schedule.json'}")
    assert schedule.identity(34) == ""


@pytest.mark.parametrize(
    ("codec", "name", "message"),
    [
        ("jpg", "blur", b"--codec jpg: the results have bpg"),
        ("bpg", "blurr", b"--filter blurr: the results have, with bpg, blur"),
    ],
)
def test_an_unknown_codec_or_filter_exits_2_and_writes_nothing(file, codec, name, message):
    done = _choose(file, "--codec", codec, "--filter", name)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (file.parent / "schedule.json").exists()


def test_mixed_pictures_exit_7_and_nothing_is_written(file):
    other = points(RATES, SCORES, pre="blur:sigma=1", pictures_sha256="cafe")
    lines = [dump(point) for point in other.points]
    file.write_text("\n".join([file.read_text(), *lines]))
    done = _choose(file, "--codec", "bpg", "--filter", "blur")
    assert done.returncode == 7
    assert b"different pictures_sha256" in done.stderr
    assert not (file.parent / "schedule.json").exists()
