"""The Bjøntegaard delta rate of two rate–accuracy curves, with its confidence.

BD-rate: VCEG-M33 (Bjøntegaard 2001), the log rate interpolated over the score, here by pchip or
Akima and over the overlap only. Accuracy curves tie and cross, so that every curve first goes
through isotonic regression of score on rate, and points that it ties become the one of lowest
rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.optimize

from neurocodec.errors import NotComparableError, UsageError
from neurocodec.evaluation import bootstrap
from neurocodec.evaluation.bootstrap import Array
from neurocodec.evaluation.selection import Curve

Method = Literal["pchip", "akima"]

MIN_POINTS = 4
MIN_LEVELS = 2
MAX_FAILED = 0.05

_SAME = {
    "task": "tasks",
    "model": "recognisers",
    "model_sha256": "weights of the recogniser",
    "pictures": "numbers of pictures",
    "pictures_sha256": "pictures",
}
_SAME_ENCODER = {"codec": "codecs", "encoder": "encoders", "chroma": "chroma subsamplings"}


@dataclass(frozen=True)
class Overlap:
    """Where two curves are compared.

    Attributes:
        score: lowest and highest score that both reach.
        bpp: the anchor's rates there.
        fraction: of the two curves' whole range of scores.
    """

    score: tuple[float, float]
    bpp: tuple[float, float]
    fraction: float


@dataclass(frozen=True)
class BdRate:
    """How many per cent more bits the test needs for the anchor's score; negative is fewer.

    Attributes:
        bd_rate_percent: over the overlap.
        interval: 95 %, by paired bootstrap over pictures; None where there is none.
        overlap: where the curves are compared.
        points: of the anchor and of the test, as measured.
        levels: the different scores that isotonic regression left of them.
        method: of interpolation.
        metric: the score.
        pictures: that both curves are over.
        replicates: of the bootstrap.
        failed_replicates: those of them whose curves had no overlap.
        data: that both were measured on.
        model: the recogniser, "none" where there is none.
        anchor: its codec and filter.
        test: likewise.
        differs: what of the encoding differs beside the filter: "codec", "encoder", "chroma".
        note: why there is no interval, and what to do; "" where there is one.
    """

    bd_rate_percent: float
    interval: tuple[float, float] | None
    overlap: Overlap
    points: tuple[int, int]
    levels: tuple[int, int]
    method: Method
    metric: str
    pictures: int
    replicates: int
    failed_replicates: int
    data: str
    model: str
    anchor: str
    test: str
    differs: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class _Monotone:
    """A curve whose scores rise with its rates, strictly."""

    rates: Array
    scores: Array


def bd_rate(
    anchor: Curve,
    test: Curve,
    metric: str = "kl",
    *,
    method: Method = "pchip",
    replicates: int = 1000,
    seed: int = 0,
    across_codecs: bool = False,
) -> BdRate:
    """The BD-rate of `test` against `anchor`.

    Args:
        anchor: the curve that counts as 0 %.
        test: over the same pictures, by the same recogniser and encoder.
        metric: one of the scores of both; higher is better.
        method: of interpolation.
        replicates: of the bootstrap; 0 gives no interval.
        seed: of the bootstrap.
        across_codecs: let codec, encoder and chroma differ, and say so in the result.

    Raises:
        UsageError: a curve has no such metric.
        NotComparableError: the curves are of different things, too short, without overlap, or
            more than 5 % of the replicates are.
    """
    differs = _differences(anchor, test, across_codecs)
    curves = _monotone(*_measured(anchor, metric)), _monotone(*_measured(test, metric))
    change = _percent(*curves, method)
    if change is None:
        raise NotComparableError(_no_overlap(metric, curves))
    note = _why_no_interval(anchor, test, replicates)
    found = None if note else _replicated(anchor, test, metric, method, replicates, seed)
    failed = 0 if found is None else int(np.isnan(found).sum())
    if failed > MAX_FAILED * replicates:
        raise NotComparableError(
            f"BD-rate({metric}) has no interval: {failed} of {replicates} bootstrap replicates "
            "have no overlap: measure more pictures, or QPs further apart"
        )
    return BdRate(
        bd_rate_percent=change,
        interval=None if found is None else bootstrap.interval(found[~np.isnan(found)]),
        overlap=_overlap(*curves, method),
        points=(len(anchor.points), len(test.points)),
        levels=(len(curves[0].rates), len(curves[1].rates)),
        method=method,
        metric=metric,
        pictures=anchor.setup.pictures,
        replicates=0 if found is None else replicates,
        failed_replicates=failed,
        data=anchor.setup.data,
        model=anchor.setup.model,
        anchor=anchor.label,
        test=test.label,
        differs=differs,
        note=note,
    )


def percent(value: float) -> str:
    """The number as tables and messages say it: signed, one decimal, zero without a sign."""
    rounded = round(value, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"


def _differences(anchor: Curve, test: Curve, across_codecs: bool) -> tuple[str, ...]:
    """What of the encoding differs; refused unless asked for, as is all else but the filter."""
    for key, what in _SAME.items():
        if getattr(anchor.setup, key) != getattr(test.setup, key):
            raise NotComparableError(
                f"the curves are of different {what}: {_pair(key, anchor, test)}"
            )
    differing = tuple(
        key for key in _SAME_ENCODER if getattr(anchor.setup, key) != getattr(test.setup, key)
    )
    if differing and not across_codecs:
        raise NotComparableError(
            f"the curves are of different {_SAME_ENCODER[differing[0]]}: "
            f"{_pair(differing[0], anchor, test)}; add --across-codecs if that is meant"
        )
    return differing


def _pair(key: str, anchor: Curve, test: Curve) -> str:
    return f"{getattr(anchor.setup, key)} and {getattr(test.setup, key)}"


def _measured(curve: Curve, metric: str) -> tuple[Array, Array]:
    if len(curve.points) < MIN_POINTS:
        raise NotComparableError(
            f"{curve.label} has {len(curve.points)} points: "
            f"a curve needs {MIN_POINTS}, measure more QPs"
        )
    lacking = [point for point in curve.points if metric not in point.scores]
    if lacking:
        known = ", ".join(sorted(lacking[0].scores))
        raise UsageError(f"{curve.label} has no {metric}: its scores are {known}")
    rates = np.array([point.bpp for point in curve.points])
    scores = np.array([point.scores[metric] for point in curve.points])
    if not np.isfinite(scores).all():
        raise NotComparableError(f"{metric} of {curve.label} is not finite at every point")
    return rates, scores


def _monotone(rates: Array, scores: Array) -> _Monotone:
    """Isotonic regression of score on rate; of tied points only that of lowest rate stays."""
    order = np.lexsort((scores, rates))
    fitted = scipy.optimize.isotonic_regression(scores[order])
    first = fitted.blocks[:-1]
    return _Monotone(rates[order][first], fitted.x[first])


def _shared(anchor: _Monotone, test: _Monotone) -> tuple[float, float] | None:
    low = max(anchor.scores[0], test.scores[0])
    high = min(anchor.scores[-1], test.scores[-1])
    return (float(low), float(high)) if low < high else None


def _percent(anchor: _Monotone, test: _Monotone, method: Method) -> float | None:
    """The BD-rate, or None where the curves share no range of scores."""
    short = min(len(anchor.rates), len(test.rates)) < MIN_LEVELS
    if short or _shared(anchor, test) is None:
        return None
    return float(_compared(anchor, test, method)[0]) + 0.0  # never minus zero


def _compared(anchor: _Monotone, test: _Monotone, method: Method) -> Any:
    """BD-rate in per cent, and each curve's log10 of the rate as a function of the score."""
    import bjontegaard  # it brings matplotlib: half a second that a training need not wait

    return bjontegaard.bd_rate(
        anchor.rates,
        anchor.scores,
        test.rates,
        test.scores,
        method=method,
        require_matching_points=False,
        interpolators=True,
        min_overlap=0,
    )


def _no_overlap(metric: str, curves: Sequence[_Monotone]) -> str:
    ranges = (f"{curve.scores[0]:.4g} to {curve.scores[-1]:.4g}" for curve in curves)
    return (
        f"the curves share no range of {metric} ({' and '.join(ranges)}): "
        "measure QPs at which their scores meet"
    )


def _overlap(anchor: _Monotone, test: _Monotone, method: Method) -> Overlap:
    low, high = _shared(anchor, test) or (0.0, 0.0)
    whole = max(anchor.scores[-1], test.scores[-1]) - min(anchor.scores[0], test.scores[0])
    _, log_rate, _ = _compared(anchor, test, method)
    ends = (float(10 ** log_rate(low)), float(10 ** log_rate(high)))
    return Overlap((low, high), ends, float((high - low) / whole))


def _why_no_interval(anchor: Curve, test: Curve, replicates: int) -> str:
    if replicates == 0:
        return "no bootstrap was asked for"
    listed = bootstrap.names(anchor), bootstrap.names(test)
    if None in listed:
        return "not every picture has its line in the results: evaluate with --per-image"
    return "" if listed[0] == listed[1] else "the pictures have different names in the two curves"


def _replicated(
    anchor: Curve, test: Curve, metric: str, method: Method, replicates: int, seed: int
) -> Array:
    """The BD-rate of every paired replicate, NaN where it has none."""
    order = bootstrap.names(anchor) or ()
    resamples = bootstrap.draw(len(order), replicates, seed)
    a, t = (bootstrap.replicate(curve, metric, resamples, order) for curve in (anchor, test))
    drawn = zip(a.rates, a.scores, t.rates, t.scores, strict=True)
    return np.array([_of_replicate(*rows, method) for rows in drawn])


def _of_replicate(
    anchor_rates: Array, anchor_scores: Array, test_rates: Array, test_scores: Array, method: Method
) -> float:
    if not (np.isfinite(anchor_scores).all() and np.isfinite(test_scores).all()):
        return float("nan")
    curves = _monotone(anchor_rates, anchor_scores), _monotone(test_rates, test_scores)
    change = _percent(*curves, method)
    return float("nan") if change is None else change
