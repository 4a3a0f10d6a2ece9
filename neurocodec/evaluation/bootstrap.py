"""Bootstrap over pictures: what a curve might have been with other pictures of the same kind.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (percentile interval).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from neurocodec import registry
from neurocodec.errors import NotComparableError
from neurocodec.evaluation.results import PictureResult
from neurocodec.evaluation.selection import Curve
from neurocodec.tasks import TASKS, PictureScore

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Replicates:
    """A curve drawn again and again: row b of `rates` and `scores` is the b-th drawn curve.

    Attributes:
        rates: (B, K) bpp of the K points.
        scores: (B, K) their scores.
    """

    rates: Array
    scores: Array


@dataclass(frozen=True, eq=False)
class Resamples:
    """Pictures drawn with replacement, again and again.

    Attributes:
        counts: (B, pictures): how often each picture occurs in each resample.
    """

    counts: Counts


@lru_cache(maxsize=8)
def draw(pictures: int, count: int, seed: int) -> Resamples:
    """`count` resamples of so many pictures; the same object for the same arguments."""
    rng = np.random.default_rng(seed)
    return Resamples(rng.multinomial(pictures, np.full(pictures, 1 / pictures), size=count))


def names(curve: Curve) -> tuple[str, ...] | None:
    """The curve's pictures, sorted; None unless every point has the line of every picture."""
    if not curve.pictures:
        return None
    first = set(curve.pictures[0])
    complete = all(set(pictures) == first for pictures in curve.pictures)
    return tuple(sorted(first)) if complete and len(first) == curve.setup.pictures else None


def replicate(
    curve: Curve, metric: str, resamples: Resamples, order: tuple[str, ...]
) -> Replicates:
    """The curve as every resample has it.

    Its rate is total bits over total pixels of the resample; its score the mean over the
    resample where the metric is a mean, else what the task computes from the evidence.

    Args:
        curve: with the lines of all its pictures.
        metric: of its scores.
        resamples: the same for every curve that is compared.
        order: the pictures that the columns of their counts stand for.

    Raises:
        NotComparableError: the pictures tell neither the metric nor the evidence for it.
    """
    rows = [[pictures[name] for name in order] for pictures in curve.pictures]
    bits = np.array([[8.0 * picture.size_bytes for picture in row] for row in rows])
    pixels = np.array([float(picture.width * picture.height) for picture in rows[0]])
    counts = resamples.counts
    rates = (counts @ bits.T) / (counts @ pixels)[:, None]
    if any(metric in picture.scores for picture in rows[0]):
        return Replicates(rates, _means(rows, metric, counts))
    if not all(picture.evidence for row in rows for picture in row):
        raise NotComparableError(
            f"{metric} has no interval: the picture lines of {curve.label} do not tell it"
        )
    sets = _scored_sets(curve, resamples, order)
    scores = [[of_point.get(metric, np.nan) for of_point in points] for points in sets]
    return Replicates(rates, np.array(scores))


def interval(values: Array) -> tuple[float, float]:
    """The middle 95 % of the replicates' values."""
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def _means(rows: Sequence[Sequence[PictureResult]], metric: str, counts: Counts) -> Array:
    """Means over the pictures that have the metric (MS-SSIM has none of a small picture)."""
    scores = np.array([[picture.scores.get(metric, np.nan) for picture in row] for row in rows])
    there = ~np.isnan(scores)
    with np.errstate(invalid="ignore"):  # a resample of none of them has no score
        means: Array = (counts @ np.where(there, scores, 0.0).T) / (counts @ there.T)
    return means


@lru_cache(maxsize=32)
def _scored_sets(
    curve: Curve, resamples: Resamples, order: tuple[str, ...]
) -> list[list[dict[str, float]]]:
    """The task's scores of every resample at every point: costly, and good for every metric."""
    score_set = registry.load(TASKS, curve.setup.task, "task").score_set
    scored = [
        [PictureScore(pictures[name].scores, pictures[name].evidence) for name in order]
        for pictures in curve.pictures
    ]
    drawn = [np.repeat(np.arange(len(times)), times) for times in resamples.counts]
    return [[score_set([row[i] for i in chosen]) for row in scored] for chosen in drawn]
