"""Two curves at one rate: what the papers' tables say of codecs at 0.5 bpp.

Between measured points a score is a straight line over the logarithm of the rate.
"""

from dataclasses import dataclass

import numpy as np

from neurocodec.errors import NotComparableError
from neurocodec.evaluation import bootstrap, comparable
from neurocodec.evaluation.bd_rate import DEFAULT, MAX_FAILED, Estimation
from neurocodec.evaluation.comparable import Comparison
from neurocodec.evaluation.selection import Curve
from neurocodec.measures.bd_rate import Array


@dataclass(frozen=True, kw_only=True)
class AtRate(Comparison):
    """The scores of two curves at one rate.

    Attributes:
        bpp: the rate.
        anchor_score: of the anchor.
        test_score: of the test.
        difference: of the test's from the anchor's.
        interval: the middle 95 % of the difference over paired resamples of the pictures, or None.
    """

    bpp: float
    anchor_score: float
    test_score: float
    difference: float
    interval: tuple[float, float] | None


def compare(
    anchor: Curve,
    test: Curve,
    bpp: float,
    metric: str | None = None,
    estimation: Estimation = DEFAULT,
    *,
    across_codecs: bool = False,
) -> AtRate:
    """Compare the scores of two curves at a rate.

    Args:
        anchor: one curve.
        test: a curve over the same pictures, with the same recogniser and encoder.
        bpp: the rate, within what both measured.
        metric: a score that both have; None is the task's primary metric.
        estimation: of it the replicates and the seed.
        across_codecs: allow codec, encoder and chroma to differ, and record it in the result.

    Raises:
        UsageError: a curve has no such metric.
        NotComparableError: the curves differ in their subject, one does not reach the rate, or more
            than 5 % of the replicates do not.
    """
    replicates = estimation.replicates
    subject = comparable.checked(anchor, test, metric, replicates, across_codecs=across_codecs)
    before, after = (_reached(curve, subject.metric, bpp) for curve in (anchor, test))
    return AtRate(
        **vars(subject),
        bpp=bpp,
        anchor_score=before,
        test_score=after,
        difference=after - before,
        interval=None if subject.note else _interval(anchor, test, subject.metric, bpp, estimation),
    )


def score_at(bpp: float, rates: Array, scores: Array) -> float:
    """The score at a rate; NaN beyond the measured ones.

    Args:
        bpp: the rate.
        rates: (points,) of the curve, in any order.
        scores: (points,) there.
    """
    order = np.argsort(rates)
    ends = {"left": np.nan, "right": np.nan}
    return float(np.interp(np.log(bpp), np.log(rates[order]), scores[order], **ends))


def _reached(curve: Curve, metric: str, bpp: float) -> float:
    rates, scores = map(np.array, comparable.measured(curve, metric))
    score = score_at(bpp, rates, scores)
    if np.isnan(score):
        raise NotComparableError(
            f"{curve.label} was measured from {rates.min():.3f} to {rates.max():.3f} bpp, not at "
            f"{bpp:g}: measure more levels"
        )
    return score


def _interval(
    anchor: Curve, test: Curve, metric: str, bpp: float, estimation: Estimation
) -> tuple[float, float]:
    at = []
    for curve in (anchor, test):
        drawn = bootstrap.replicate(curve, metric, estimation.replicates, estimation.seed)
        at.append([score_at(bpp, rates, scores) for rates, scores in zip(*drawn, strict=True)])
    differences = np.array(at[1]) - np.array(at[0])
    failed = np.isnan(differences)
    if failed.mean() > MAX_FAILED:
        raise NotComparableError(
            f"no interval, since {failed.sum()} of {len(failed)} bootstrap replicates do not reach "
            f"{bpp:g} bpp: measure more levels"
        )
    return bootstrap.interval(differences[~failed])
