"""The Bjøntegaard delta rate of two rate–score curves, on arrays.

BD-rate: VCEG-M33 (Bjøntegaard 2001), the log rate interpolated over the score, here by PCHIP or
Akima and over the overlap only. Accuracy curves tie and cross, so every curve first goes through
isotonic regression of score on rate, and tied points become the one of lowest rate.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.optimize

from neurocodec.errors import NotComparableError

Array = npt.NDArray[np.float64]
Method = Literal["pchip", "akima"]

MIN_POINTS = 4
MIN_LEVELS = 2
MIN_OVERLAP = 0.1


@dataclass(frozen=True)
class Overlap:
    """The range in which two curves are compared.

    Attributes:
        score: lowest and highest score that both reach.
        bpp: the anchor's rates at these scores.
        fraction: share of the two curves' joint range of scores.
    """

    score: tuple[float, float]
    bpp: tuple[float, float]
    fraction: float


@dataclass(frozen=True)
class BdRate:
    """The bits that the test needs for the anchor's score.

    Attributes:
        bd_rate_percent: change of the rate in per cent over the overlap; negative is fewer bits.
        overlap: where the curves are compared.
        levels: distinct scores that isotonic regression leaves of the anchor and of the test.
        interval: 95 %, by paired bootstrap over pictures; None without a bootstrap.
        failed_replicates: bootstrap replicates without a BD-rate.
    """

    bd_rate_percent: float
    overlap: Overlap
    levels: tuple[int, int]
    interval: tuple[float, float] | None = None
    failed_replicates: int = 0


def bd_rate(
    anchor_rates: npt.ArrayLike,
    anchor_scores: npt.ArrayLike,
    test_rates: npt.ArrayLike,
    test_scores: npt.ArrayLike,
    *,
    method: Method = "pchip",
) -> BdRate:
    """Compute the BD-rate of the test curve against the anchor curve.

    Args:
        anchor_rates: (K,) bpp, K ≥ 4, in any order.
        anchor_scores: (K,) the points' scores; higher is better.
        test_rates: likewise; its number of points may differ.
        test_scores: likewise.
        method: interpolation of the log rate over the score.

    Raises:
        NotComparableError: a curve has too few points or a score that is not finite, or the
            curves overlap in less than 10 % of their range of scores.
    """
    import bjontegaard  # it imports matplotlib: half a second that a training need not wait

    anchor = _monotone(anchor_rates, anchor_scores, "anchor")
    test = _monotone(test_rates, test_scores, "test")
    low, high, fraction = _overlap(anchor[1], test[1])
    options: Any = {"require_matching_points": False, "interpolators": True, "min_overlap": 0}
    result: Any = bjontegaard.bd_rate(*anchor, *test, method=method, **options)
    percent, log_rate = result[:2]
    ends = float(10 ** log_rate(low)), float(10 ** log_rate(high))
    return BdRate(
        float(percent) + 0.0,  # never minus zero
        Overlap((low, high), ends, fraction),
        (len(anchor[0]), len(test[0])),
    )


def _monotone(rates: npt.ArrayLike, scores: npt.ArrayLike, side: str) -> tuple[Array, Array]:
    """Rates and scores after isotonic regression; of tied points only the cheapest stays."""
    bpp, score = np.asarray(rates, float), np.asarray(scores, float)
    if len(bpp) < MIN_POINTS:
        raise NotComparableError(
            f"a BD-rate needs {MIN_POINTS} points, the {side} curve has {len(bpp)}: "
            "measure more QPs"
        )
    if not (np.isfinite(bpp).all() and np.isfinite(score).all() and (bpp > 0).all()):
        raise NotComparableError(f"a rate or score of the {side} curve is not a finite number")
    order = np.lexsort((score, bpp))
    fitted = scipy.optimize.isotonic_regression(score[order])
    first = fitted.blocks[:-1]
    return bpp[order][first], fitted.x[first]


def _overlap(*curves: Array) -> tuple[float, float, float]:
    """Lowest and highest shared score of rising scores, and their share of the joint range."""
    low, high = max(scores[0] for scores in curves), min(scores[-1] for scores in curves)
    span = max(scores[-1] for scores in curves) - min(scores[0] for scores in curves)
    ranges = " and ".join(f"{scores[0]:.4g} to {scores[-1]:.4g}" for scores in curves)
    if low >= high or min(map(len, curves)) < MIN_LEVELS:
        raise NotComparableError(
            f"the curves share no range of scores ({ranges}): "
            "measure QPs at which their scores meet"
        )
    if high - low < MIN_OVERLAP * span:
        raise NotComparableError(
            f"the curves overlap in {(high - low) / span:.2%} of their range of scores ({ranges}), "
            f"a BD-rate needs {MIN_OVERLAP:.0%}: measure QPs at which their scores meet"
        )
    return float(low), float(high), float((high - low) / span)
