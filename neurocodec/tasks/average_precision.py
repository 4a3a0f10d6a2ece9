"""COCO's average precision by faster-coco-eval, split so that resampling a set is cheap.

The library matches one image's predictions to its ground truth, and the matches are cached as long
as the image's score lives. A set's precision is the library's accumulation over those matches,
which takes milliseconds for 128 images: a bootstrap repeats only that.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np
from faster_coco_eval import COCO
from faster_coco_eval.core.faster_eval_api import COCOeval_faster

from neurocodec.tasks.ground_truth import Floats

CLEAN_SCORE = 0.3
"""Predictions on the original above this score are the ground truth of `agreement`."""

MAX_PREDICTIONS: dict[str, int] = {"bbox": 100, "keypoints": 20}
"""COCO's limits on the predictions an image that count, the surest first."""

Kind = Literal["bbox", "keypoints"]
Item = Mapping[str, Any]


class _Picture(Protocol):
    @property
    def evidence(self) -> Mapping[str, Any]: ...


P = TypeVar("P", bound=_Picture)
T = TypeVar("T")


@dataclass(frozen=True)
class AveragePrecision:
    """COCO's primary score of a set, and the one at the loosest threshold; both in [0, 1].

    Attributes:
        mean: over the thresholds 0.50, 0.55 … 0.95 and the classes in the ground truth.
        at_50: at 0.50 only.
    """

    mean: float
    at_50: float


@dataclass(frozen=True)
class Matches:
    """The predictions on one image that are right, at every threshold.

    Attributes:
        by_class: the library's own record, by class id, of each class predicted or true.
        true_classes: the classes in the ground truth.
    """

    by_class: Mapping[int, Any]
    true_classes: frozenset[int]


class Cache(Generic[P, T]):
    """The result of `compute` for an object, computed once in the object's life.

    Objects are told apart by identity, so that the same one drawn twice costs nothing.
    """

    def __init__(self, compute: Callable[[P], T]) -> None:
        self._compute = compute
        self._results: dict[int, T] = {}

    def __getitem__(self, item: P) -> T:
        key = id(item)
        if key not in self._results:
            self._results[key] = self._compute(item)
            weakref.finalize(item, self._results.pop, key, None).atexit = False
        return self._results[key]


def items(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """COCO's annotations, without category, from columns over the objects.

    Args:
        columns: xyxy, and perhaps area, scores and is_crowd; one row or one number an object.
    """
    renamed = {"area": "area", "scores": "score", "is_crowd": "iscrowd"}
    optional = {key: columns[column] for column, key in renamed.items() if column in columns}
    return [
        {
            "bbox": [left, top, right - left, bottom - top],
            "area": (right - left) * (bottom - top),
            **{key: values[number] for key, values in optional.items()},
        }
        for number, (left, top, right, bottom) in enumerate(columns["xyxy"])
    ]


def match(kind: Kind, ground_truth: Sequence[Item], predictions: Sequence[Item]) -> Matches:
    """Match one image's predictions to its ground truth, by class id.

    Args:
        kind: "bbox" (by overlap) or "keypoints" (by object keypoint similarity).
        ground_truth: COCO annotations without ids: category_id, bbox (x, y, width, height), area,
            iscrowd and, for keypoints, keypoints and num_keypoints.
        predictions: likewise, with score.
    """
    classes = sorted({item["category_id"] for item in (*ground_truth, *predictions)})
    if not classes:
        return Matches({}, frozenset())
    evaluation = _evaluation(
        kind, _annotations(classes, ground_truth), _annotations(classes, predictions)
    )
    evaluation.params.catIds = classes
    evaluation.evaluate()
    return Matches(
        by_class=dict(zip(classes, evaluation._evalImgs_cpp, strict=True)),
        true_classes=frozenset(item["category_id"] for item in ground_truth),
    )


def match_evidence(
    kind: Kind,
    evidence: Mapping[str, Any],
    to_items: Callable[[Mapping[str, Any]], list[dict[str, Any]]],
) -> dict[str, Matches]:
    """Match a score's predictions to its "clean" and, where it has it, its "truth" columns.

    Args:
        kind: as `match` takes it.
        evidence: columns under "answer", "clean" and perhaps "truth".
        to_items: from columns to what `match` takes.
    """
    predictions = to_items(evidence["answer"])
    names = [name for name in ("clean", "truth") if name in evidence]
    return {name: match(kind, to_items(evidence[name]), predictions) for name in names}


def average_precision(kind: Kind, pictures: Sequence[Matches]) -> AveragePrecision | None:
    """The precision over a set; None where no image has ground truth.

    Args:
        kind: the same as for `match`.
        pictures: the matches of each image; an image may occur more than once.
    """
    classes = sorted(frozenset[int]().union(*(matches.true_classes for matches in pictures)))
    evaluation = _evaluation(kind, None, None)
    means = []
    for class_id in classes:
        records = [m.by_class[class_id] for m in pictures if class_id in m.by_class]
        precision = _precision(evaluation, class_id, records)
        if precision.min() >= 0:  # else all its ground truth is crowds
            means.append(precision.mean(axis=1))
    if not means:
        return None
    by_threshold = np.mean(means, axis=0)
    return AveragePrecision(float(by_threshold.mean()), float(by_threshold[0]))


def set_scores(
    kind: Kind, name: str, pictures: Sequence[Mapping[str, Matches]]
) -> dict[str, float]:
    """The scores of a set, in [0, 1]; one without ground truth is left out.

    Args:
        kind: the same as for `match`.
        name: of the score against labels; the one at 0.50 is called `name`50.
        pictures: the matches of each image: "clean", and "truth" where it has labels.

    Returns:
        "agreement", against the clean predictions; `name` and `name`50 where every image has
        labels.
    """
    agreement = average_precision(kind, [matches["clean"] for matches in pictures])
    scores = {} if agreement is None else {"agreement": agreement.mean}
    if all("truth" in matches for matches in pictures):
        labelled = average_precision(kind, [matches["truth"] for matches in pictures])
        if labelled is not None:
            scores |= {name: labelled.mean, f"{name}50": labelled.at_50}
    return scores


def _evaluation(kind: Kind, ground_truth: COCO | None, predictions: COCO | None) -> Any:
    evaluation: Any = COCOeval_faster(
        ground_truth, predictions, kind, separate_eval=True, print_function=_discard
    )
    evaluation.params.maxDets = [MAX_PREDICTIONS[kind]]
    evaluation.params.areaRng = evaluation.params.areaRng[:1]
    evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
    return evaluation


def _annotations(classes: Sequence[int], objects: Sequence[Item]) -> COCO:
    content = {
        "images": [{"id": 1}],
        "categories": [{"id": class_id} for class_id in classes],
        "annotations": [
            {"iscrowd": 0, **item, "id": number, "image_id": 1}
            for number, item in enumerate(objects, 1)
        ],
    }
    return COCO(content, print_function=_discard)


def _precision(evaluation: Any, class_id: int, records: list[Any]) -> Floats:
    """(10, 101): by threshold and recall; -1 where all ground truth of the class is crowds."""
    params = copy(evaluation.params)
    params.catIds, params.imgIds = [class_id], list(range(len(records)))
    evaluation._paramsEval, evaluation._evalImgs_cpp = params, records
    evaluation.accumulate()
    precision: Floats = evaluation.eval["precision"][:, :, 0, 0, 0]
    return precision


def _discard(*_: object) -> None:
    pass
