"""Fidelity: measures to the original image."""

import hashlib
import math
import sys
from pathlib import Path

import pytest
import torch

from neurocodec import tasks
from neurocodec.errors import MissingError
from neurocodec.measures.psnr import psnr_db
from tests.conftest import picture


@pytest.fixture(autouse=True)
def no_cached_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))


def test_the_original_is_handed_in_and_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    task = tasks.create("fidelity")
    original, decoded = picture(48, 40), picture(48, 40, seed=1)
    assert task.keeps_originals and task.model_sha256 == ""
    assert "LPIPS is not measured" in caplog.text
    scores = task.score(*task.predict([decoded]), original, None).scores
    assert scores["psnr_db"] == psnr_db(original, decoded) < math.inf
    assert scores.keys() == {"psnr_db", "fsim"}


def test_lpips_is_minus_the_distance(data_folder) -> None:
    weights = data_folder("models") / "lpips_alex.safetensors"
    task = tasks.create("fidelity", lpips_weights=str(weights))
    scores = task.score(picture(64, 48, seed=1), picture(64, 48), None).scores
    assert scores["lpips"] == pytest.approx(-0.2281664, abs=1e-6)
    assert len(task.model_sha256) == 64


def test_a_set_s_score_is_the_mean_of_what_all_images_have() -> None:
    task = tasks.create("fidelity")
    large, small = (task.score(picture(w, w, seed=1), picture(w, w), None) for w in (162, 40))
    mean = (large.scores["psnr_db"] + small.scores["psnr_db"]) / 2
    assert "ms_ssim" in large.scores
    assert task.score_set([large, small])["psnr_db"] == pytest.approx(mean)
    assert "ms_ssim" not in task.score_set([large, small])


def test_weights_that_do_not_exist() -> None:
    with pytest.raises(MissingError, match=r"gone\.pth: no such file: correct --lpips-weights"):
        tasks.create("fidelity", lpips_weights="gone.pth")


def test_lpips_is_not_imported_unless_it_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lpips", raising=False)
    image = picture(40, 40)
    tasks.create("fidelity").score(image, image, None)
    assert "lpips" not in sys.modules


def test_weights_in_torch_s_cache_serve(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/alexnet-owt-7be5be79.pth").write_bytes(b"weights")
    task = tasks.create("fidelity")
    assert task.model_sha256 == hashlib.sha256(b"weights").hexdigest() and not caplog.text
