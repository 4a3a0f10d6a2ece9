"""Detection: reading detectors' outputs, and COCO's average precision of made and real answers."""

import gc
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from faster_coco_eval import COCO
from faster_coco_eval.core.faster_eval_api import COCOeval_faster
from torch import Tensor, nn

from neurocodec import images, tasks
from neurocodec.errors import BadInputError, UsageError
from neurocodec.networks.recognisers import Recogniser
from neurocodec.networks.recognisers.preprocessing import Preprocessing
from neurocodec.tasks import PictureScore, average_precision, datasets, detectors
from neurocodec.tasks.detection import Detection
from neurocodec.tasks.detectors import Detections, detector
from neurocodec.tasks.ground_truth import COCO_CLASSES, Boxes
from tests.conftest import picture

SQUARE = (10, 10, 110, 110)


def detections(*rows: tuple[tuple[float, ...], float, int]) -> Detections:
    boxes, scores, ids = ([row[i] for row in rows] for i in range(3))
    return Detections(
        np.array(boxes, float).reshape(-1, 4), np.array(scores, float), np.array(ids, int)
    )


def truth(*rows: tuple[tuple[float, ...], int], crowd: bool = False) -> Boxes:
    xyxy = np.array([box for box, _ in rows], float).reshape(-1, 4)
    ids = np.array([class_id for _, class_id in rows], int)
    return Boxes(xyxy, ids, np.full(len(rows), crowd), np.ones(len(rows)))


NOTHING = detections()


def scored(*pairs: tuple[Detections, Boxes | None]) -> dict[str, float]:
    return Detection.score_set([Detection.score(answer, NOTHING, true) for answer, true in pairs])


def test_perfect_answers_score_one() -> None:
    answer = detections((SQUARE, 0.9, 3), ((0, 0, 5, 9), 0.4, 70))
    true = truth((SQUARE, 3), ((0, 0, 5, 9), 70))
    scores = Detection.score_set([Detection.score(answer, answer, true)])
    assert scores == pytest.approx({"agreement": 1, "map": 1, "map50": 1})


def test_one_of_two_found_is_right_up_to_half_the_recall() -> None:
    found = detections((SQUARE, 0.9, 0))
    scores = scored((found, truth((SQUARE, 0))), (NOTHING, truth((SQUARE, 0))))
    assert scores["map"] == pytest.approx(51 / 101)  # recalls 0, 0.01 … 0.50 of 101


def test_a_surer_wrong_answer_halves_the_precision() -> None:
    answer = detections(((200, 200, 260, 260), 0.9, 0), (SQUARE, 0.5, 0))
    assert scored((answer, truth((SQUARE, 0))))["map"] == pytest.approx(0.5)


def test_overlap_of_62_percent_passes_three_of_ten_thresholds() -> None:
    answer = detections(((10, 10, 72, 110), 0.9, 0))
    assert scored((answer, truth((SQUARE, 0)))) == pytest.approx({"map": 0.3, "map50": 1})


def test_classes_weigh_the_same_and_those_without_a_truth_nothing() -> None:
    answer = detections((SQUARE, 0.9, 0), (SQUARE, 0.8, 5), (SQUARE, 0.7, 79))
    others = [(answer, truth((SQUARE, 0)))] * 3
    assert scored((answer, truth((SQUARE, 0), (SQUARE, 6))), *others)["map"] == pytest.approx(0.5)


def test_a_crowd_is_neither_right_nor_wrong_to_find() -> None:
    answer = detections(((20, 20, 60, 60), 0.9, 0), ((300, 300, 350, 350), 0.5, 0))
    crowd = truth((SQUARE, 0), crowd=True)
    one = truth(((300, 300, 350, 350), 0))
    both = Boxes(
        *(
            np.concatenate(pair)
            for pair in zip(vars(crowd).values(), vars(one).values(), strict=True)
        )
    )
    assert scored((answer, both))["map"] == pytest.approx(1)
    assert scored((answer, one))["map"] == pytest.approx(0.5)
    assert scored((answer, crowd)) == {}


def test_agreement_takes_the_sure_clean_answers_as_truth() -> None:
    clean = detections((SQUARE, 0.31, 0), ((200, 200, 260, 260), 0.29, 0))
    picture_score = Detection.score(detections((SQUARE, 0.9, 0)), clean, None)
    assert Detection.score_set([picture_score]) == {"agreement": pytest.approx(1)}
    assert Detection.score_set([Detection.score(NOTHING, clean, None)]) == {"agreement": 0}


def test_a_set_that_is_partly_labelled_has_no_map() -> None:
    answer = detections((SQUARE, 0.9, 0))
    pictures = [Detection.score(answer, answer, t) for t in (truth((SQUARE, 0)), None)]
    assert Detection.score_set(pictures).keys() == {"agreement"}
    assert Detection.score_set([]) == {}


def random_pictures(count: int) -> list[PictureScore]:
    rng = np.random.default_rng(1)
    made = []
    for _ in range(count):
        corners = rng.uniform(0, 300, (rng.integers(0, 9), 2))
        boxes = np.hstack([corners, corners + rng.uniform(5, 100, corners.shape)])
        ids = rng.integers(0, 4, len(boxes))
        true = Boxes(boxes, ids, rng.random(len(boxes)) < 0.1, np.ones(len(boxes)))
        moved = np.repeat(boxes, 2, axis=0) + rng.normal(0, 3, (2 * len(boxes), 4))
        said = np.where(rng.random(len(moved)) < 0.2, rng.integers(0, 5), np.repeat(ids, 2))
        answer = Detections(moved, rng.random(len(moved)), said)
        made.append(Detection.score(answer, NOTHING, true))
    return made


def library_map(pictures: Sequence[PictureScore]) -> list[float]:
    """The same from the library alone, every occurrence a picture of its own."""
    contents: dict[str, list[dict[str, object]]] = {"truth": [], "answer": []}
    for number, score in enumerate(pictures, 1):
        for side, rows in contents.items():
            columns = score.evidence[side]
            for i, (left, top, right, bottom) in enumerate(columns["xyxy"]):
                box = [left, top, right - left, bottom - top]
                row = {
                    "id": len(rows) + 1,
                    "image_id": number,
                    "category_id": columns["class_ids"][i],
                }
                row |= {"bbox": box, "area": box[2] * box[3]}
                row |= {"iscrowd": columns["is_crowd"][i]} if side == "truth" else {}
                row |= {"score": columns["scores"][i]} if side == "answer" else {}
                rows.append(row)
    shared = {
        "images": [{"id": n} for n in range(1, len(pictures) + 1)],
        "categories": [{"id": c} for c in range(5)],
    }
    known = COCO({**shared, "annotations": contents["truth"]})
    evaluation = COCOeval_faster(known, known.loadRes(contents["answer"]), "bbox")
    evaluation.run()
    return [float(value) for value in evaluation.stats[:2]]


def test_resampled_sets_score_as_a_fresh_evaluation_of_the_duplicates() -> None:
    pictures = random_pictures(12)
    rng = np.random.default_rng(2)
    for drawn in [range(12), *(rng.integers(0, 12, 12) for _ in range(5))]:
        sample = [pictures[i] for i in drawn]
        scores = Detection.score_set(sample)
        assert 0.05 < scores["map"] < 0.95
        assert [scores["map"], scores["map50"]] == pytest.approx(library_map(sample), abs=1e-12)


def test_evidence_survives_json() -> None:
    pictures = random_pictures(6)
    back = [PictureScore({}, json.loads(json.dumps(dict(p.evidence)))) for p in pictures]
    assert Detection.score_set(back) == Detection.score_set(pictures)


def test_matching_is_done_once_in_a_picture_s_life(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = random_pictures(2)
    scores = Detection.score_set(pictures)
    monkeypatch.setattr(average_precision, "_match", None)
    assert Detection.score_set(pictures) == scores
    known = len(average_precision._matches)
    del pictures
    gc.collect()
    assert len(average_precision._matches) == known - 2


class Fixed(nn.Module):
    """A network with one answer."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: object) -> object:
        return self.answer


def yolox(heads: dict[str, Tensor], **description: object) -> Recogniser:
    given = {"heads": [{"reg": "r", "obj": "o", "cls": "c"}], "strides": [8], **description}
    letterbox = Preprocessing(fit="letterbox", size=32, resize=32)
    return Recogniser("made", "detection", Fixed(heads), letterbox, description=given)


def test_yolox_boxes_come_back_in_the_picture_s_own_pixels() -> None:
    heads = {
        "r": torch.zeros(1, 4, 4, 4),
        "o": torch.zeros(1, 1, 4, 4),
        "c": torch.zeros(1, 80, 4, 4),
    }
    heads["r"][0, :, 1, 2] = torch.tensor([0.5, 0.25, np.log(1.5), np.log(0.5)])
    heads["o"][0, 0, 1, 2] = 0.8
    heads["c"][0, [4, 7], 1, 2] = torch.tensor([0.5, 0.25])
    (found,) = detector(yolox(heads))([picture(64, 48)])
    # Centre (2.5, 1.25)·8, size (1.5, 0.5)·8, in a square of 32 that holds 64 pixels of width.
    assert found.xyxy == pytest.approx(np.array([[28, 16, 52, 24]] * 2), abs=1e-4)
    assert found.scores == pytest.approx([0.4, 0.2])
    assert found.class_ids.tolist() == [4, 7]


def test_yolox_drops_the_unsure_and_the_overlapping() -> None:
    heads = {
        "r": torch.zeros(1, 4, 4, 4),
        "o": torch.ones(1, 1, 4, 4),
        "c": torch.zeros(1, 80, 4, 4),
    }
    heads["r"][0, :2] = (
        -torch.stack(torch.meshgrid(torch.arange(4), torch.arange(4), indexing="xy")) + 2.0
    )
    heads["r"][0, 0, 3, 3] -= 1
    heads["c"][0, 0] = 0.009
    heads["c"][0, 0, 1, 1], heads["c"][0, 0, 2, 2], heads["c"][0, 0, 3, 3] = 0.7, 0.6, 0.5
    (found,) = detector(yolox(heads))([picture(32, 32)])
    assert found.scores == pytest.approx([0.7, 0.5])
    assert found.xyxy == pytest.approx(np.array([[12, 12, 20, 20], [4, 12, 12, 20]]))


def test_a_description_that_does_not_say_how_to_read_it_is_refused() -> None:
    with pytest.raises(BadInputError, match="made: its description must say reg, obj and cls"):
        detector(yolox({}, strides=[]))
    settings = {"settings": {"num_classes": 3}}
    with pytest.raises(BadInputError, match=r'made: has 3 labels for 91 names.*"classes"'):
        detector(Recogniser("made", "detection", Fixed([]), None, description=settings))


def torchvision_answer(labels: list[int]) -> list[dict[str, Tensor]]:
    scores = torch.linspace(0.1, 0.9, len(labels))
    return [
        {"boxes": torch.zeros(len(labels), 4), "labels": torch.tensor(labels), "scores": scores}
    ]


def test_torchvision_s_labels_become_class_ids() -> None:
    network = Fixed(torchvision_answer([1, 13, 90, 12, 0]))  # 12 is an empty place, 0 no class
    (found,) = detector(Recogniser("made", "detection", network, None))([picture(9, 9)])
    assert [COCO_CLASSES[i] for i in found.class_ids] == ["toothbrush", "stop sign", "person"]
    assert found.scores == pytest.approx([0.5, 0.3, 0.1])


def test_named_classes_become_class_ids() -> None:
    named = {"classes": ["sofa", "person"], "settings": {"num_classes": 3}}
    recogniser = Recogniser(
        "m", "detection", Fixed(torchvision_answer([2, 1])), None, description=named
    )
    (found,) = detector(recogniser)([picture(9, 9)])
    assert [COCO_CLASSES[i] for i in found.class_ids] == ["couch", "person"]


def test_at_most_a_hundred_objects_the_surest() -> None:
    network = Fixed(torchvision_answer([1] * 150))
    (found,) = detector(Recogniser("made", "detection", network, None))([picture(9, 9)])
    assert len(found.scores) == detectors.MAX_OBJECTS
    assert found.scores[0] == pytest.approx(0.9) and (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize(
    "model",
    [
        "ssdlite320_mobilenet_v3_large",
        pytest.param("fasterrcnn_mobilenet_v3_large_320_fpn", marks=pytest.mark.slow),
    ],
)
def test_torchvision_detectors_answer_and_agree_with_themselves(model: str) -> None:
    task = tasks.create("detection", f"{model}:random")
    answers = task.predict([picture(64, 48), picture(40, 70, seed=1)])
    scores = [task.score(answer, answer, None) for answer in answers]
    assert all(answer.xyxy.shape == (len(answer.scores), 4) for answer in answers)
    assert task.score_set(scores).get("agreement", 1) == pytest.approx(1)
    assert len(task.model_sha256) == 64 and task.model == f"{model}:random"
    assert task.predict([]) == []


def test_a_recogniser_for_another_task_is_refused() -> None:
    with pytest.raises(UsageError, match="made for classification, not for detection"):
        tasks.create("detection", "squeezenet1_0:random")


def test_yolox_on_real_pictures(data_folder: Callable[[str], Path]) -> None:
    model = data_folder("models") / "yolox_nano_416.safetensors"
    found = datasets.read(data_folder("detection") / "val2017", "detection", limit=8)
    task = tasks.create("detection", str(model))
    read = [images.read(p.path.read_bytes(), p.name) for p in found.pictures]
    answers = task.predict(read)
    scores = task.score_set(
        [task.score(a, a, p.ground_truth) for a, p in zip(answers, found.pictures, strict=True)]
    )
    # 0.01: what a rounding of the letterbox's size may move; RGB for BGR loses 0.01 and 0.05.
    assert scores == pytest.approx({"agreement": 1, "map": 0.407, "map50": 0.636}, abs=0.01)
