"""BD-rate with its confidence: of arrays a picture, and of two curves of results."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from neurocodec.errors import NotComparableError
from neurocodec.evaluation import bootstrap, comparable
from neurocodec.evaluation.comparable import Comparison
from neurocodec.evaluation.selection import Curve
from neurocodec.measures.bd_rate import Array, BdRate, Method, bd_rate

MAX_FAILED = 0.05


@dataclass(frozen=True)
class Estimation:
    """The computation of a BD-rate and its interval.

    Attributes:
        method: interpolation of the log rate over the score.
        replicates: bootstrap replicates; 0 gives no interval.
        seed: seed of the bootstrap.
    """

    method: Method = "pchip"
    replicates: int = 1000
    seed: int = 0


DEFAULT = Estimation()


@dataclass(frozen=True, kw_only=True)
class CurveBdRate(Comparison, BdRate):
    """A BD-rate of two curves of results, as `bdrate --json` prints it.

    Attributes:
        points: measured points of the anchor and of the test.
        method: interpolation.
    """

    points: tuple[int, int]
    method: Method


def paired_bd_rate(
    anchor_bpp: Array, anchor_scores: Array, test_bpp: Array, test_scores: Array
) -> BdRate:
    """Compute the BD-rate of the mean curves, with an interval over the pictures.

    Args:
        anchor_bpp: (levels, pictures) rates of pictures of one size.
        anchor_scores: (levels, pictures) scores; higher is better.
        test_bpp: (levels, pictures) of the same pictures; its levels may differ.
        test_scores: likewise.

    Raises:
        NotComparableError: the mean curves have no BD-rate (see `measures.bd_rate`), or more
            than 5 % of the replicates have none.
    """
    arrays = anchor_bpp, anchor_scores, test_bpp, test_scores
    result = bd_rate(*(array.mean(1) for array in arrays))
    counts = bootstrap.draw(anchor_bpp.shape[1], DEFAULT.replicates, DEFAULT.seed)
    drawn = [bootstrap.means(array, counts) for array in arrays]
    return _with_interval(result, drawn, DEFAULT.method)


def compare(
    anchor: Curve,
    test: Curve,
    metric: str | None = None,
    estimation: Estimation = DEFAULT,
    *,
    across_codecs: bool = False,
) -> CurveBdRate:
    """Compute the BD-rate of the curve `test` against the curve `anchor`.

    Args:
        anchor: the curve that counts as 0 %.
        test: a curve over the same pictures, with the same recogniser and encoder.
        metric: a score that both have, higher is better; None is the task's primary metric.
        estimation: interpolation and bootstrap.
        across_codecs: allow codec, encoder and chroma to differ, and record it in the result.

    Raises:
        UsageError: a curve has no such metric.
        NotComparableError: the curves differ in their subject, have no BD-rate (see
            `measures.bd_rate`), or more than 5 % of the replicates have none.
    """
    method, replicates, seed = estimation.method, estimation.replicates, estimation.seed
    subject = comparable.checked(anchor, test, metric, replicates, across_codecs=across_codecs)
    measured = [comparable.measured(curve, subject.metric) for curve in (anchor, test)]
    result = bd_rate(*measured[0], *measured[1], method=method)
    if not subject.note:
        drawn = [
            bootstrap.replicate(curve, subject.metric, replicates, seed) for curve in (anchor, test)
        ]
        result = _with_interval(result, [*drawn[0], *drawn[1]], method)
    points = (len(anchor.points), len(test.points))
    return CurveBdRate(**vars(result), **vars(subject), points=points, method=method)


def percent(value: float) -> str:
    """The number for messages: signed, one decimal, zero without a sign."""
    rounded = round(value, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"


def _with_interval(result: BdRate, drawn: Sequence[Array], method: Method) -> BdRate:
    """The BD-rate with the interval of the paired replicates' BD-rates."""
    values = np.array([_percent(curves, method) for curves in zip(*drawn, strict=True)])
    failed = int(np.isnan(values).sum())
    if failed > MAX_FAILED * len(values):
        raise NotComparableError(
            f"no interval, since {failed} of {len(values)} bootstrap replicates overlap too "
            "little: measure more pictures, or QPs further apart"
        )
    interval = bootstrap.interval(values[~np.isnan(values)])
    return replace(result, interval=interval, failed_replicates=failed)


def _percent(curves: Sequence[Array], method: Method) -> float:
    try:
        return bd_rate(*curves, method=method).bd_rate_percent
    except NotComparableError:
        return float("nan")
