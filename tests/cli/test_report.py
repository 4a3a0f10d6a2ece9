"""`neurocodec report` as users run it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neurocodec.evaluation.results import dump
from tests.cli.running import neurocodec
from tests.evaluation.made import results

PRES = (("none", 1.0), ("blur:sigma=0.5", 0.9))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = results(np.random.default_rng(0), *PRES, pictures=5)
    lines = [dump(result).replace('"kl"', '"psnr_db"') for result in found]
    path = tmp_path / "results.jsonl"
    path.write_text("\n".join(lines))
    return path


def test_a_page_is_written_and_named(file, tmp_path):
    done = neurocodec("report", file, "-o", tmp_path / "report", "--bootstrap", "20")
    assert done.stdout.decode().strip() == str(tmp_path / "report" / "index.html")
    assert "data:image/svg+xml" in (tmp_path / "report" / "index.html").read_text()


def test_markdown_goes_to_standard_output_or_a_file(file, tmp_path):
    done = neurocodec("report", file, "--format", "markdown", "--bootstrap", "20")
    assert done.stdout.decode().startswith("## classification, squeezenet on made (5 pictures)")
    options = ("--format", "markdown", "--bootstrap", "20", "-o", tmp_path / "r.md")
    assert neurocodec("report", file, *options).returncode == 0
    assert (tmp_path / "r.md").read_bytes() == done.stdout


@pytest.mark.slow
def test_compressai_plots_its_json(file, tmp_path):
    done = neurocodec("report", file, "--format", "compressai", "-o", tmp_path / "curves")
    paths = done.stdout.decode().split()
    assert [Path(path).name for path in paths] == ["bpg-none.json", "bpg-blur-sigma=0.5.json"]
    said = json.loads(Path(paths[0]).read_text())
    assert said["results"]["bpp"] == sorted(said["results"]["bpp"])
    assert set(said["results"]) == {"bpp", "psnr-rgb", "top1"}
    plot = tmp_path / "plot.png"
    command = [sys.executable, "-W", "ignore", "-m", "compressai.utils.plot", "-o", plot, "-f"]
    subprocess.run([*command, *paths], check=True, timeout=120, capture_output=True)
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_one_curve_goes_to_standard_output(file):
    lines = [line for line in file.read_bytes().splitlines() if b'"none"' in line]
    done = neurocodec("report", "-", "--format", "compressai", stdin=b"\n".join(lines))
    assert json.loads(done.stdout)["name"] == "bpg"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ((), b"-o report"),
        (("--format", "compressai"), b"2 curves"),
        (("-o", "r", "--examples", "pictures"), b"--model"),
    ],
)
def test_what_is_lacking_is_said(file, tmp_path, options, word):
    done = neurocodec("report", file, *options, cwd=tmp_path)
    assert done.returncode == 2
    assert word in done.stderr
