"""`neurocodec train-proxy`, and what it leaves as a codec of its own."""

import json

import pytest

from neurocodec import images
from tests.cli.running import neurocodec
from tests.conftest import picture

SMALL = "--codec jpeg --qp 28-41 --width 8 --latents 12 --size 64 --batch 2 --validation 3"
HERE = "--threads 1 --device cpu -j 0"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    path.mkdir()
    for seed in range(5):
        (path / f"{seed}.png").write_bytes(images.png(picture(72, 64, seed=seed)))
    return path


@pytest.mark.slow
def test_it_trains_and_its_first_stage_is_a_codec(folder, tmp_path, monkeypatch):
    pytest.importorskip("compressai")
    monkeypatch.setenv("NEUROCODEC_CACHE", str(tmp_path / "cache"))
    output = tmp_path / "proxy"
    options = ["--data", folder, "-o", output, "--max-steps", 3]
    done = neurocodec("train-proxy", *SMALL.split(), *HERE.split(), *options)
    assert done.returncode == 0, done.stderr
    weights, agreement, remark = done.stdout.decode().splitlines()
    assert weights.startswith(f"{output / 'proxy.safetensors'}  1 steps")
    assert "rate_error_percent" in agreement
    assert remark.startswith("no BD-rate: it needs 8 pictures")
    assert (output / "proxy.safetensors").exists()

    results = tmp_path / "results.jsonl"
    codec = f"mbt2018:weights={output / 'rate-distortion' / 'proxy.safetensors'}"
    measured = ["--task", "fidelity", "--codec", codec, "--qp", "28,41", "-o", results]
    done = neurocodec("evaluate", folder, *measured, "--limit", 2, "-j", 1)
    assert done.returncode == 0, done.stderr
    points = [json.loads(line) for line in results.read_text().splitlines()]
    assert [point["qp"] for point in points] == [28, 41]
    assert all(point["bpp"] > 0 and point["encoder"].startswith("mbt2018 ") for point in points)


def test_without_a_limit_it_does_not_start(folder, tmp_path):
    done = neurocodec("train-proxy", "--codec", "jpeg", "--data", folder, "-o", tmp_path / "x")

    assert done.returncode == 2
    assert b"--max-steps" in done.stderr
