"""COCO's average precision by faster-coco-eval, split so that resampling a set is cheap.

The library matches one picture's answers to its truths; what it found is kept as long as the
picture lives. A set's precision is then the library's accumulation over what was found, which for
128 pictures takes milliseconds: a bootstrap repeats only that.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np
from faster_coco_eval import COCO
from faster_coco_eval.core.faster_eval_api import COCOeval_faster

from neurocodec.tasks.truths import Floats

CLEAN_SCORE = 0.3
"""Above it, what a recogniser finds in the original picture stands as the truth of `agreement`."""

MAX_ANSWERS: dict[str, int] = {"bbox": 100, "keypoints": 20}
"""How many answers to a picture count, the surest first: COCO's own limits."""

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
        mean: over the thresholds 0.50, 0.55 … 0.95 and the classes that have a truth.
        at_50: at 0.50 only.
    """

    mean: float
    at_50: float


@dataclass(frozen=True)
class Matches:
    """Which answers to one picture are right, at every threshold.

    Attributes:
        by_class: the library's own record, by class id, of each class that was found or is there.
        true_classes: those that are there.
    """

    by_class: Mapping[int, Any]
    true_classes: frozenset[int]


class Kept(Generic[P, T]):
    """What `make` gives for an object, made once in the object's life.

    Told apart by identity, so that the same picture drawn twice costs nothing.
    """

    def __init__(self, make: Callable[[P], T]) -> None:
        self._make = make
        self._made: dict[int, T] = {}

    def __getitem__(self, item: P) -> T:
        key = id(item)
        if key not in self._made:
            self._made[key] = self._make(item)
            weakref.finalize(item, self._made.pop, key, None).atexit = False
        return self._made[key]


def match(kind: Kind, truths: Sequence[Item], answers: Sequence[Item]) -> Matches:
    """The library's matching of one picture's answers to its truths, by class id.

    Args:
        kind: "bbox" (by overlap) or "keypoints" (by object keypoint similarity).
        truths: COCO annotations without ids: category_id, bbox (x, y, width, height), area,
            iscrowd and, for keypoints, keypoints and num_keypoints.
        answers: likewise, with score.
    """
    classes = sorted({item["category_id"] for item in (*truths, *answers)})
    if not classes:
        return Matches({}, frozenset())
    evaluation = _evaluation(kind, _annotations(classes, truths), _annotations(classes, answers))
    evaluation.params.catIds = classes
    evaluation.evaluate()
    return Matches(
        by_class=dict(zip(classes, evaluation._evalImgs_cpp, strict=True)),
        true_classes=frozenset(item["category_id"] for item in truths),
    )


def match_evidence(
    kind: Kind,
    evidence: Mapping[str, Any],
    items: Callable[[Mapping[str, Any]], list[dict[str, Any]]],
) -> dict[str, Matches]:
    """What the answer of a picture's evidence finds of its "clean" and, where it has it, "truth".

    Args:
        kind: as `match` takes it.
        evidence: columns under "answer", "clean" and perhaps "truth".
        items: from columns to what `match` takes.
    """
    answers = items(evidence["answer"])
    truths = [name for name in ("clean", "truth") if name in evidence]
    return {name: match(kind, items(evidence[name]), answers) for name in truths}


def average_precision(kind: Kind, pictures: Sequence[Matches]) -> AveragePrecision | None:
    """Of the set whose pictures were matched; None where no picture has a truth.

    A picture may occur more than once.

    Args:
        kind: as `match` was given it.
        pictures: what `match` gave for each.
    """
    classes = sorted(frozenset[int]().union(*(matches.true_classes for matches in pictures)))
    evaluation = _evaluation(kind, None, None)
    means = []
    for class_id in classes:
        found = [m.by_class[class_id] for m in pictures if class_id in m.by_class]
        precision = _precision(evaluation, class_id, found)
        if precision.min() >= 0:  # else all its truths are crowds
            means.append(precision.mean(axis=1))
    if not means:
        return None
    by_threshold = np.mean(means, axis=0)
    return AveragePrecision(float(by_threshold.mean()), float(by_threshold[0]))


def set_scores(
    kind: Kind, name: str, pictures: Sequence[Mapping[str, Matches]]
) -> dict[str, float]:
    """The scores of a set, in [0, 1]; one that no picture has a truth for is left out.

    Args:
        kind: as `match` was given it.
        name: of the score against labels; the one at 0.50 is called `name`50.
        pictures: what was matched for each: "clean", and "truth" where it has labels.

    Returns:
        "agreement", against the clean answers; `name` and `name`50 where every picture has labels.
    """
    agreement = average_precision(kind, [matches["clean"] for matches in pictures])
    scores = {} if agreement is None else {"agreement": agreement.mean}
    if all("truth" in matches for matches in pictures):
        labelled = average_precision(kind, [matches["truth"] for matches in pictures])
        if labelled is not None:
            scores |= {name: labelled.mean, f"{name}50": labelled.at_50}
    return scores


def _evaluation(kind: Kind, truths: COCO | None, answers: COCO | None) -> Any:
    evaluation: Any = COCOeval_faster(
        truths, answers, kind, separate_eval=True, print_function=_say_nothing
    )
    evaluation.params.maxDets = [MAX_ANSWERS[kind]]
    evaluation.params.areaRng = evaluation.params.areaRng[:1]
    evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
    return evaluation


def _annotations(classes: Sequence[int], items: Sequence[Item]) -> COCO:
    content = {
        "images": [{"id": 1}],
        "categories": [{"id": class_id} for class_id in classes],
        "annotations": [
            {"iscrowd": 0, **item, "id": number, "image_id": 1}
            for number, item in enumerate(items, 1)
        ],
    }
    return COCO(content, print_function=_say_nothing)


def _precision(evaluation: Any, class_id: int, found: list[Any]) -> Floats:
    """(10, 101): by threshold and recall; -1 where nothing of the class counts as a truth."""
    params = copy(evaluation.params)
    params.catIds, params.imgIds = [class_id], list(range(len(found)))
    evaluation._paramsEval, evaluation._evalImgs_cpp = params, found
    evaluation.accumulate()
    precision: Floats = evaluation.eval["precision"][:, :, 0, 0, 0]
    return precision


def _say_nothing(*_: object) -> None:
    pass
