"""Pose: COCO's average precision over keypoints of made answers, and a network end to end."""

import json
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from faster_coco_eval import COCO
from faster_coco_eval.core.faster_eval_api import COCOeval_faster

from neurocodec import tasks
from neurocodec.tasks import PictureScore, estimators
from neurocodec.tasks.ground_truth import Floats, Keypoints
from neurocodec.tasks.pose import People, Pose
from tests.conftest import picture

RNG = np.random.default_rng(0)
JOINTS = RNG.uniform(20, 120, (17, 2))
BOX = np.array([[10.0, 10, 130, 130]])


def people(xy: Floats, scores: Sequence[float]) -> People:
    count = len(scores)
    return People(xy.reshape(count, 17, 2), np.array(scores), np.repeat(BOX, count, axis=0))


def truth(xy: Floats, seen: Sequence[int] = (2,) * 17, area: float = 9000.0) -> Keypoints:
    xyv = np.dstack([xy.reshape(1, 17, 2), np.array([seen])])
    return Keypoints(BOX, np.zeros(1, int), np.zeros(1, bool), np.array([area]), xyv)


NOBODY = people(np.zeros((0, 17, 2)), [])


def scored(answer: People, true: Keypoints) -> dict[str, float]:
    return Pose.score_set([Pose.score(answer, NOBODY, true)])


def test_perfect_answers_score_one() -> None:
    answer = people(JOINTS, [0.9])
    scores = Pose.score_set([Pose.score(answer, answer, truth(JOINTS))])
    assert scores == pytest.approx({"agreement": 1, "ap_keypoints": 1, "ap_keypoints50": 1})


def test_similarity_by_hand() -> None:
    # One labelled joint, the nose (sigma 0.026): exp(-d² / (2·area·(2·0.026)²)) = 0.72 passes the
    # thresholds 0.50 … 0.70, five of ten.
    d = np.sqrt(-np.log(0.72) * 2 * 90000 * (2 * 0.026) ** 2)
    moved = JOINTS.copy()
    moved[0, 0] += d
    moved[1:] += 500
    scores = scored(people(moved, [0.9]), truth(JOINTS, [2] + [0] * 16, area=90000))
    assert scores == pytest.approx({"ap_keypoints": 0.5, "ap_keypoints50": 1})


def test_a_person_without_labelled_joints_is_neither_right_nor_wrong() -> None:
    assert scored(people(JOINTS, [0.9]), truth(JOINTS, [0] * 17)) == {}


def test_a_surer_wrong_answer_halves_the_precision() -> None:
    both = np.stack([JOINTS + 400, JOINTS])
    assert scored(people(both, [0.9, 0.5]), truth(JOINTS))["ap_keypoints"] == pytest.approx(0.5)


def test_agreement_takes_the_sure_clean_people_as_truth() -> None:
    clean = people(np.stack([JOINTS, JOINTS + 400]), [0.31, 0.29])
    assert Pose.score_set([Pose.score(people(JOINTS, [0.9]), clean, None)]) == {
        "agreement": pytest.approx(1)
    }
    assert Pose.score_set([Pose.score(NOBODY, clean, None)]) == {"agreement": 0}
    assert Pose.score_set([Pose.score(people(JOINTS, [0.9]), NOBODY, None)]) == {}


def library_ap(pictures: Sequence[PictureScore]) -> list[float]:
    """The same from the library alone, every occurrence a picture of its own."""
    contents: dict[str, list[dict[str, object]]] = {"truth": [], "answer": []}
    for number, score in enumerate(pictures, 1):
        for side, rows in contents.items():
            columns = score.evidence[side]
            for i, keypoints in enumerate(columns["keypoints"]):
                row = {"id": len(rows) + 1, "image_id": number, "category_id": 1}
                row |= {"keypoints": keypoints, "num_keypoints": 17, "bbox": [10, 10, 120, 120]}
                row |= {"area": columns["area"][i], "iscrowd": 0} if side == "truth" else {}
                row |= {"score": columns["scores"][i]} if side == "answer" else {}
                rows.append(row)
    numbers = range(1, len(pictures) + 1)
    shared = {"images": [{"id": n} for n in numbers], "categories": [{"id": 1}]}
    known = COCO({**shared, "annotations": contents["truth"]})
    evaluation = COCOeval_faster(known, known.loadRes(contents["answer"]), "keypoints")
    evaluation.run()
    return [float(value) for value in evaluation.stats[:2]]


def test_resampled_sets_score_as_a_fresh_evaluation_of_the_duplicates() -> None:
    rng = np.random.default_rng(3)
    pictures = []
    for _ in range(10):
        noise = rng.normal(0, rng.uniform(1, 12), (2, 17, 2))
        answer = people(np.stack([JOINTS, JOINTS + 200]) + noise, rng.random(2).tolist())
        pictures.append(Pose.score(answer, NOBODY, truth(JOINTS)))
    for drawn in [range(10), *(rng.integers(0, 10, 10) for _ in range(4))]:
        sample = [pictures[i] for i in drawn]
        scores = Pose.score_set(sample)
        assert 0.05 < scores["ap_keypoints"] < 0.95
        found = [scores["ap_keypoints"], scores["ap_keypoints50"]]
        assert found == pytest.approx(library_ap(sample), abs=1e-12)


def test_evidence_survives_json() -> None:
    score = Pose.score(people(JOINTS + 3, [0.9]), people(JOINTS, [0.8]), truth(JOINTS))
    back = PictureScore({}, json.loads(json.dumps(dict(score.evidence))))
    assert Pose.score_set([back]) == Pose.score_set([score])


class Made:
    """A recogniser of torchvision's kind with known answers."""

    description, preprocessing, device = {}, None, "cpu"

    def __init__(self, answer):
        self._answer = answer

    def __call__(self, x):
        return self._answer(x)


def test_a_network_s_answer_is_sorted_and_cut_to_twenty() -> None:
    scores = torch.linspace(0.1, 0.9, 30)
    prediction = {
        "keypoints": torch.arange(30.0).view(30, 1, 1).expand(30, 17, 3),
        "keypoints_scores": torch.zeros(30, 17),
        "scores": scores,
        "boxes": torch.zeros(30, 4),
        "labels": torch.ones(30, dtype=torch.int64),
    }
    made = Made(lambda x: [prediction])
    found = estimators.estimator(made)(picture(8, 8), None)
    assert found.scores == pytest.approx(scores.flip(0)[:20].tolist())
    assert found.xy[0].tolist() == [[29, 29]] * 17 and found.xy.shape == (20, 17, 2)


@pytest.mark.slow
def test_a_network_answers_and_agrees_with_itself() -> None:
    task = tasks.create("pose", "keypointrcnn_resnet50_fpn:random")
    # Its own 800 pixels of height and 100 boxes take half a minute.
    network = task._recogniser.network
    network.transform.min_size, network.roi_heads.detections_per_img = (96,), 5
    (answer,) = task.predict([picture(64, 48)])
    assert answer.xy.shape == (len(answer.scores), 17, 2)
    score = task.score(answer, answer, None)
    assert task.score_set([score]).get("agreement", 1) == pytest.approx(1)
