"""Bootstrap over pictures: a curve redrawn with other pictures of the same kind.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (percentile interval).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from neurocodec import registry
from neurocodec.errors import NotComparableError
from neurocodec.evaluation.selection import Curve
from neurocodec.measures.bd_rate import Array
from neurocodec.tasks import TASKS, PictureScore

Counts = npt.NDArray[np.int64]
Replicates = tuple[Array, Array]
"""The rates and scores of a redrawn curve, (replicates, points) each."""

CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Resamples:
    """Samples of the pictures, drawn with replacement.

    Attributes:
        counts: (B, pictures) how often each picture occurs in each resample.
    """

    counts: Counts


@lru_cache(maxsize=8)
def draw(pictures: int, count: int, seed: int) -> Resamples:
    """Draw `count` resamples of that many pictures; equal arguments give the same object."""
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
    """Redraw a curve for every resample.

    The rate is total bits over total pixels of the resample; the score is the mean over the
    resample where the metric is a mean, else the task computes it from the evidence.

    Args:
        curve: a curve with the lines of all its pictures.
        metric: one of its scores.
        resamples: the same for every curve that is compared.
        order: the pictures in the order of the resamples' columns.

    Raises:
        NotComparableError: the picture lines have neither the metric nor evidence for it.
    """
    rows = [[pictures[name] for name in order] for pictures in curve.pictures]
    bits = np.array([[8.0 * picture.size_bytes for picture in row] for row in rows])
    pixels = np.array([float(picture.width * picture.height) for picture in rows[0]])
    if any(metric in picture.scores for picture in rows[0]):
        scores = [[picture.scores.get(metric, np.nan) for picture in row] for row in rows]
        return replicate_means(bits / pixels, np.array(scores), resamples, pixels)
    if not all(picture.evidence for row in rows for picture in row):
        raise NotComparableError(
            f"{metric} has no interval: the picture lines of {curve.label} do not hold it"
        )
    rates = _weighted_means(bits / pixels, pixels, resamples.counts)
    sets = _scored_sets(curve, resamples, order)
    return rates, np.array([[s.get(metric, np.nan) for s in row] for row in sets])


def replicate_means(
    bpp: Array, scores: Array, resamples: Resamples, pixels: Array | None = None
) -> Replicates:
    """Redraw a curve whose scores are means over pictures.

    Args:
        bpp: (K, pictures) rate of every picture at every point.
        scores: (K, pictures) scores; NaN where a picture has none.
        resamples: of these pictures.
        pixels: (pictures,) sizes of the pictures; None where all are of one size.
    """
    counts = resamples.counts
    weights = np.ones(bpp.shape[1]) if pixels is None else pixels
    present = ~np.isnan(scores)
    with np.errstate(invalid="ignore"):  # a resample without any score gives NaN
        means: Array = (counts @ np.where(present, scores, 0.0).T) / (counts @ present.T)
    return _weighted_means(bpp, weights, counts), means


def interval(values: Array) -> tuple[float, float]:
    """The middle 95 % of the replicates' values."""
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def _weighted_means(bpp: Array, weights: Array, counts: Counts) -> Array:
    means: Array = (counts @ (bpp * weights).T) / (counts @ weights)[:, None]
    return means


@lru_cache(maxsize=32)
def _scored_sets(
    curve: Curve, resamples: Resamples, order: tuple[str, ...]
) -> list[list[dict[str, float]]]:
    """Every resample scored by the task at every point: costly, and good for every metric."""
    score_set = registry.load(TASKS, curve.setup.task, "task").score_set
    scored = [
        [PictureScore(pictures[name].scores, pictures[name].evidence) for name in order]
        for pictures in curve.pictures
    ]
    drawn = [np.repeat(np.arange(len(times)), times) for times in resamples.counts]
    return [[score_set([row[i] for i in chosen]) for row in scored] for chosen in drawn]
