"""COCO's average precision by faster-coco-eval, split so that resampling a set is cheap.

The library matches one image's predictions to its ground truth, and the matches are cached as long
as the image's score lives. A set's precision is the library's accumulation over those matches,
which takes milliseconds for 128 images: a bootstrap repeats only that.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
from faster_coco_eval import COCO
from faster_coco_eval.core.faster_eval_api import COCOeval_faster

from neurocodec.tasks.ground_truth import Floats
from neurocodec.tasks.task import PictureScore

CLEAN_SCORE = 0.3
"""Predictions on the original above this score are the ground truth of `agreement`."""

MAX_PREDICTIONS: dict[str, int] = {"bbox": 100, "keypoints": 20}
"""COCO's limits on the predictions an image that count, the surest first."""

Kind = Literal["bbox", "keypoints"]
Columns = Mapping[str, Any]
Matches = dict[str, dict[int, Any]]
"""The library's record of an image against "clean" and "truth", by class id."""

_COCO_KEYS = {
    "class_ids": "category_id",
    "area": "area",
    "scores": "score",
    "is_crowd": "iscrowd",
    "keypoints": "keypoints",
}
_matches: WeakKeyDictionary[PictureScore, Matches] = WeakKeyDictionary()


def set_scores(kind: Kind, name: str, pictures: Sequence[PictureScore]) -> dict[str, float]:
    """The scores of a set, in [0, 1]; one without ground truth is left out.

    Evidence holds columns over the objects under "answer" (the prediction), "clean" and, with
    labels, "truth": xyxy, class_ids (0 without), scores, is_crowd, area (the box's without), and
    COCO's rows of keypoints.

    Args:
        kind: "bbox" (by overlap) or "keypoints" (by object keypoint similarity).
        name: of the score against labels; the one at 0.50 is called `name`50.
        pictures: the scores of each image; an image may occur more than once.

    Returns:
        "agreement", against the clean predictions; `name` and `name`50 where every image has
        labels. The first two are means over the thresholds 0.50, 0.55 … 0.95 and the classes in
        the ground truth.
    """
    matches = [_matched(kind, picture) for picture in pictures]
    scores = {}
    clean = _by_threshold(kind, [match["clean"] for match in matches])
    if clean is not None:
        scores["agreement"] = float(clean.mean())
    if all("truth" in match for match in matches):
        labelled = _by_threshold(kind, [match["truth"] for match in matches])
        if labelled is not None:
            scores |= {name: float(labelled.mean()), f"{name}50": float(labelled[0])}
    return scores


def _matched(kind: Kind, picture: PictureScore) -> Matches:
    if picture not in _matches:
        evidence = picture.evidence
        names = [name for name in ("clean", "truth") if name in evidence]
        _matches[picture] = {n: _match(kind, evidence[n], evidence["answer"]) for n in names}
    return _matches[picture]


def _match(kind: Kind, ground_truth: Columns, predictions: Columns) -> dict[int, Any]:
    known, predicted = _annotations(ground_truth), _annotations(predictions)
    classes = sorted({item["category_id"] for item in (*known, *predicted)})
    if not classes:
        return {}
    evaluation = _evaluation(kind, _coco(classes, known), _coco(classes, predicted))
    evaluation.params.catIds = classes
    evaluation.evaluate()
    return dict(zip(classes, evaluation._evalImgs_cpp, strict=True))


def _by_threshold(kind: Kind, pictures: Sequence[Mapping[int, Any]]) -> Floats | None:
    """The precision, (10,), at 0.50, 0.55 … 0.95; None where no image has ground truth."""
    evaluation = _evaluation(kind)
    means = []
    for class_id in sorted(frozenset[int]().union(*pictures)):
        params = copy(evaluation.params)
        evaluation._evalImgs_cpp = [p[class_id] for p in pictures if class_id in p]
        params.catIds, params.imgIds = [class_id], list(range(len(evaluation._evalImgs_cpp)))
        evaluation._paramsEval = params
        evaluation.accumulate()
        precision = evaluation.eval["precision"][:, :, 0, 0, 0]  # (thresholds, recalls)
        if precision.min() >= 0:  # else the class has no ground truth, or crowds only
            means.append(precision.mean(axis=1))
    return np.mean(means, axis=0) if means else None


def _evaluation(
    kind: Kind, ground_truth: COCO | None = None, predictions: COCO | None = None
) -> Any:
    evaluation: Any = COCOeval_faster(
        ground_truth, predictions, kind, separate_eval=True, print_function=_discard
    )
    evaluation.params.maxDets = [MAX_PREDICTIONS[kind]]
    evaluation.params.areaRng = evaluation.params.areaRng[:1]
    evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
    return evaluation


def _annotations(columns: Columns) -> list[dict[str, Any]]:
    """COCO's annotations of the only image, number 1."""
    annotations = []
    for at, (left, top, right, bottom) in enumerate(columns["xyxy"]):
        box = [left, top, right - left, bottom - top]
        item: dict[str, Any] = {"id": at + 1, "image_id": 1, "category_id": 0, "iscrowd": 0}
        item |= {"bbox": box, "area": box[2] * box[3]}
        item |= {key: columns[name][at] for name, key in _COCO_KEYS.items() if name in columns}
        item["num_keypoints"] = sum(v > 0 for v in item.get("keypoints", [])[2::3])
        annotations.append(item)
    return annotations


def _coco(classes: Sequence[int], annotations: Sequence[dict[str, Any]]) -> COCO:
    categories = [{"id": class_id} for class_id in classes]
    content = {"images": [{"id": 1}], "categories": categories, "annotations": annotations}
    return COCO(content, print_function=_discard)


def _discard(*_: object) -> None:
    pass
