"""What classification answers, and how the answers are scored."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.special import rel_entr, softmax

from neurocodec import images
from neurocodec.errors import BadInputError, UsageError
from neurocodec.tasks import PictureScore, create
from neurocodec.tasks.classification import Classification
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, write


@pytest.fixture
def task(tmp_path: Path) -> Classification:
    return Classification(str(write(tmp_path, CLASSIFIER)))


def logits(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_pictures_of_any_sizes_are_answered_in_order(task: Classification) -> None:
    pictures = [picture(20 + i % 5, 17 + i % 3, seed=i) for i in range(19)]
    together = task.predict(pictures)
    assert [answer.shape for answer in together] == [(10,)] * 19
    assert all(answer.dtype == np.float32 for answer in together)
    for answer, each in zip(together, pictures, strict=True):
        assert np.allclose(answer, task.predict([each])[0], atol=1e-5)
    assert all(map(np.array_equal, together, task.predict(pictures)))
    assert task.predict([]) == []


def test_it_says_which_model_it_is(tmp_path: Path) -> None:
    path = write(tmp_path, CLASSIFIER)
    task = create("classification", str(path), "auto")
    assert task.model == "tiny.net"
    assert len(task.model_sha256) == 64


def test_a_clean_answer_agrees_with_itself(task: Classification) -> None:
    (answer,) = task.predict([picture(32, 32)])
    assert task.score(answer, answer, None).scores == {"agreement": 1.0, "kl": 0.0}


def test_kl_is_minus_the_divergence_from_clean_to_decoded(task: Classification) -> None:
    rng = np.random.default_rng(0)
    clean, decoded = rng.normal(0, 4, (2, 10)).astype(np.float32)
    p, q = (softmax(x.astype(np.float64)) for x in (clean, decoded))
    scores = task.score(decoded, clean, None).scores
    assert scores["kl"] == pytest.approx(-rel_entr(p, q).sum(), abs=1e-12)
    assert scores["kl"] != pytest.approx(task.score(clean, decoded, None).scores["kl"])


def test_kl_of_extreme_logits_is_finite(task: Classification) -> None:
    kl = task.score(logits(-3e4, 3e4), logits(3e4, -3e4), None).scores["kl"]
    assert kl == pytest.approx(-6e4)


@pytest.mark.parametrize(
    ("truth", "top1", "top5"), [(3, 1.0, 1.0), (0, 0.0, 1.0), (5, 0.0, 0.0), (6, 0.0, 0.0)]
)
def test_top1_and_top5(task: Classification, truth: int, top1: float, top5: float) -> None:
    answer = logits(5, 4, 3, 9, 2, 1, 0)
    scores = task.score(answer, logits(9, 4, 3, 5, 2, 1, 0), truth).scores
    assert (scores["top1"], scores["top5"], scores["agreement"]) == (top1, top5, 0.0)


@pytest.mark.parametrize("truth", [-1, 3])
def test_a_class_that_the_model_has_not(task: Classification, truth: int) -> None:
    with pytest.raises(BadInputError, match=r"tiny\.net has classes 0…2"):
        task.score(logits(1, 2, 3), logits(1, 2, 3), truth)


def test_a_set_scores_the_mean_of_what_all_pictures_have(task: Classification) -> None:
    labelled = PictureScore({"agreement": 1.0, "kl": -1.0, "top1": 1.0})
    unlabelled = PictureScore({"agreement": 0.0, "kl": -2.0})
    assert task.score_set([labelled, labelled, unlabelled, unlabelled]) == {
        "agreement": 0.5,
        "kl": -1.5,
    }
    assert task.score_set([labelled, labelled])["top1"] == 1.0
    assert task.score_set([]) == {}


def test_a_network_for_another_task_is_refused() -> None:
    with pytest.raises(UsageError, match="segmentation"):
        Classification("lraspp_mobilenet_v3_large:random")


# On all 500 pictures these models were measured elsewhere at 61.6/82.6, 87.8/97.2, 82.2/95.2 and
# 66.2/88.6 % (top 1/top 5). The quick one is held to that; the slow ones, which this code gives the
# same numbers when run on all, to their share of a sample.
@pytest.mark.parametrize(
    ("model", "step", "top1", "top5"),
    [
        ("squeezenet1_0", 20, 18, 21),
        ("mobilenet_v2_1.0_224", 20, 23, 24),
        ("mobilenet_v1_0.75_224", 20, 18, 24),
        ("mcunet_144", 1, 331, 443),
    ],
)
def test_real_models_on_real_pictures(
    data_folder, model: str, step: int, top1: int, top5: int
) -> None:
    folder = data_folder("imagenet-val")
    with (folder / "labels.csv").open() as lines:
        rows = list(csv.DictReader(lines))[::step]
    pictures = [images.read((folder / row["file"]).read_bytes(), row["file"]) for row in rows]
    task = Classification(str(data_folder("models") / f"{model}.safetensors"))
    truths = [int(row["class_index"]) for row in rows]
    answers = task.predict(pictures)
    scores = task.score_set([task.score(a, a, t) for a, t in zip(answers, truths, strict=True)])
    assert [round(scores[name] * len(rows)) for name in ("top1", "top5")] == [top1, top5]
