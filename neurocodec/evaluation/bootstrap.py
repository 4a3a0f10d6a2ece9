"""Bootstrap over pictures: a curve redrawn with other pictures of the same kind.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (percentile interval).
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from neurocodec import registry
from neurocodec.errors import NotComparableError
from neurocodec.evaluation.selection import Curve
from neurocodec.measures.bd_rate import Array
from neurocodec.tasks import TASKS

Counts = npt.NDArray[np.int64]
"""How often each picture occurs in each resample, (replicates, pictures)."""
Replicates = tuple[Array, Array]
"""The rates and scores of a redrawn curve, (replicates, points) each."""


@lru_cache(maxsize=8)
def draw(pictures: int, replicates: int, seed: int) -> Counts:
    """Draw samples of that many pictures with replacement; equal arguments draw the same."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(pictures, np.full(pictures, 1 / pictures), size=replicates)


def names(curve: Curve) -> set[str] | None:
    """The curve's pictures; None unless every point has the line of every picture."""
    sets = [set(pictures) for pictures in curve.pictures]
    complete = all(one == sets[0] and len(one) == curve.setup.pictures for one in sets)
    return sets[0] if sets and complete else None


def replicate(curve: Curve, metric: str, replicates: int, seed: int) -> Replicates:
    """Redraw a curve, in every replicate with the pictures that `draw` chose.

    The rate is total bits over total pixels of the resample; the score is the mean over the
    resample where the metric is a mean, else the task computes it from the evidence.

    Args:
        curve: a curve with the lines of all its pictures.
        metric: one of its scores.
        replicates: how many times.
        seed: the same for every curve that is compared.

    Raises:
        NotComparableError: the picture lines have neither the metric nor evidence for it.
    """
    rows = [[pictures[name] for name in sorted(pictures)] for pictures in curve.pictures]
    bpp = np.array([[picture.bpp for picture in row] for row in rows])
    pixels = np.array([float(picture.width * picture.height) for picture in rows[0]])
    counts = draw(len(pixels), replicates, seed)
    rates = means(bpp, counts, pixels)
    if any(metric in picture.scores for picture in rows[0]):
        scores = [[picture.scores.get(metric, np.nan) for picture in row] for row in rows]
        return rates, means(np.array(scores), counts)
    if not all(picture.evidence for row in rows for picture in row):
        raise NotComparableError(
            f"{metric} has no interval: the picture lines of {curve.label} do not hold it"
        )
    sets = _scored_sets(curve, replicates, seed)
    return rates, np.array([[scores.get(metric, np.nan) for scores in row] for row in sets])


def means(values: Array, counts: Counts, weights: Array | float = 1.0) -> Array:
    """Redraw a curve whose values are means over pictures.

    Args:
        values: (K, pictures) of every picture at every point; NaN where a picture has none.
        counts: (replicates, pictures) as `draw` makes them.
        weights: (pictures,) weights of the pictures, such as their pixels for a rate.

    Returns:
        (replicates, K) means; NaN for a resample without any value.
    """
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        sums: Array = counts @ (np.where(present, values, 0.0) * weights).T
        return sums / (counts @ (present * weights).T)


def interval(values: Array) -> tuple[float, float]:
    """The middle 95 % of the replicates' values."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


@lru_cache(maxsize=32)
def _scored_sets(curve: Curve, replicates: int, seed: int) -> list[list[dict[str, float]]]:
    """Every resample scored by the task at every point: costly, and good for every metric."""
    score_set = registry.load(TASKS, curve.setup.task, "task").score_set
    scored = [[pictures[name].score for name in sorted(pictures)] for pictures in curve.pictures]
    counts = draw(len(scored[0]), replicates, seed)
    drawn = [np.repeat(np.arange(len(times)), times) for times in counts]
    return [[score_set([row[i] for i in chosen]) for row in scored] for chosen in drawn]
