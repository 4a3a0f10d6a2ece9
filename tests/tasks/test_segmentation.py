"""Segmentation: mean intersection over union of made masks, and a network end to end."""

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor, nn

from neurocodec import tasks
from neurocodec.errors import BadInputError
from neurocodec.images import Image
from neurocodec.networks import recognisers
from neurocodec.networks.recognisers import Recogniser
from neurocodec.networks.recognisers.preprocessing import Preprocessing
from neurocodec.tasks.ground_truth import VOID, ClassMap, Mask
from neurocodec.tasks.segmentation import Segmentation
from tests.conftest import picture


def saved(folder: Path, levels: ClassMap) -> Mask:
    path = folder / f"{len(list(folder.iterdir()))}.png"
    PIL.Image.fromarray(levels).save(path)
    return Mask(path, path)


def classes(*rows: list[int]) -> ClassMap:
    return np.array(rows, np.uint8)


def test_perfect_answers_score_one(tmp_path: Path) -> None:
    levels = classes([0, 15], [3, 3])
    score = Segmentation.score(levels, levels, saved(tmp_path, levels))
    scores = Segmentation.score_set([score, score])
    assert scores == {"agreement": 1, "miou": 1, "pixel_accuracy": 1}


def test_a_small_case_by_hand(tmp_path: Path) -> None:
    true = classes([0, 0, 1], [1, 2, VOID])
    answer = classes([0, 1, 1], [1, 1, 5])
    scores = Segmentation.score_set([Segmentation.score(answer, answer, saved(tmp_path, true))])
    # 0: 1 of 2; 1: 2 of 4; 2: 0 of 1; the void pixel counts nowhere, nor does its class 5.
    assert scores["miou"] == pytest.approx((1 / 2 + 2 / 4 + 0) / 3)
    assert scores["pixel_accuracy"] == pytest.approx(3 / 5)


def test_a_set_s_score_is_over_its_pixels_not_over_its_pictures(tmp_path: Path) -> None:
    ones, zeros = classes([1, 1, 1, 1]), classes([0, 0, 0, 0])
    right = Segmentation.score(ones, ones, saved(tmp_path, ones))
    wrong = Segmentation.score(zeros[:, :1], ones[:, :1], saved(tmp_path, ones[:, :1]))
    scores = Segmentation.score_set([right, wrong])
    assert scores["miou"] == pytest.approx((4 / 5 + 0) / 2)
    assert scores["pixel_accuracy"] == pytest.approx(4 / 5)
    assert scores["agreement"] == scores["miou"]


def test_resampled_sets_score_as_one_picture_of_all_their_pixels(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    maps = [(rng.integers(0, 4, (5, 7)), rng.integers(0, 4, (5, 7))) for _ in range(6)]
    pairs = [(a.astype(np.uint8), t.astype(np.uint8)) for a, t in maps]
    scores = [Segmentation.score(a, a, saved(tmp_path, t)) for a, t in pairs]
    for _ in range(4):
        drawn = rng.integers(0, 6, 6)
        answer, true = (np.vstack([pairs[i][side] for i in drawn]) for side in (0, 1))
        fresh = Segmentation.score_set([Segmentation.score(answer, answer, saved(tmp_path, true))])
        assert Segmentation.score_set([scores[i] for i in drawn]) == pytest.approx(fresh)
        ious = [
            np.mean((answer == c) & (true == c)) / np.mean((answer == c) | (true == c))
            for c in range(4)
        ]
        assert fresh["miou"] == pytest.approx(np.mean(ious))


def test_a_set_that_is_partly_labelled_has_no_miou(tmp_path: Path) -> None:
    levels = classes([0, 1])
    pictures = [Segmentation.score(levels, levels, t) for t in (saved(tmp_path, levels), None)]
    assert Segmentation.score_set(pictures) == {"agreement": 1}
    assert Segmentation.score_set([]) == {}


def test_masks_of_void_alone_have_no_score(tmp_path: Path) -> None:
    void = saved(tmp_path, classes([VOID, VOID]))
    score = Segmentation.score(classes([0, 1]), classes([0, 1]), void)
    assert Segmentation.score_set([score]) == {"agreement": 1}


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    mask = saved(tmp_path, classes([0, 1, 1]))
    small = saved(tmp_path, classes([0, 1]))
    with pytest.raises(BadInputError, match="annotated as 3×1, but the picture has 2×1"):
        Segmentation.score(classes([0, 1]), classes([0, 1]), Mask(mask.path, small.path))


class Channels(nn.Module):
    """A network that sees three classes: red, green and blue."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"out": x[..., ::2, ::2]}


def test_classes_come_back_at_the_picture_s_own_size(monkeypatch: pytest.MonkeyPatch) -> None:
    preprocessing = Preprocessing(fit="shorter", size=32, resize=32)
    network = nn.Sequential(nn.Conv2d(3, 3, 1), Channels())
    network[0].load_state_dict({"weight": torch.eye(3)[..., None, None], "bias": torch.zeros(3)})
    made = Recogniser("made", "segmentation", network, preprocessing)
    monkeypatch.setattr(recognisers, "load", lambda model, device: made)
    pixels = np.zeros((41, 60, 3), np.uint8)
    pixels[:, :30, 2], pixels[:, 30:, 1] = 255, 255
    (answer,) = tasks.create("segmentation", "made").predict([Image(pixels)])
    assert answer.shape == (41, 60) and answer.dtype == np.uint8
    assert (answer[:, :27] == 2).all() and (answer[:, 33:] == 1).all()


def test_a_torchvision_network_answers_and_agrees_with_itself() -> None:
    task = tasks.create("segmentation", "lraspp_mobilenet_v3_large:random")
    (answer,) = task.predict([picture(48, 40)])
    score = task.score(answer, answer, None)
    assert answer.shape == (40, 48)
    assert task.score_set([score]) == {"agreement": 1}
    assert json.loads(json.dumps(score.evidence)) == score.evidence
