"""BD-rate with its confidence: of arrays a picture, and of two curves of results."""

from dataclasses import dataclass, replace

import numpy as np

from neurocodec.errors import NotComparableError, UsageError
from neurocodec.evaluation import bootstrap
from neurocodec.evaluation.bootstrap import Replicates
from neurocodec.evaluation.selection import Curve
from neurocodec.measures.bd_rate import Array, BdRate, Method, Overlap, bd_rate
from neurocodec.tasks import primary_metric

MAX_FAILED = 0.05
REPLICATES = 1000

_SAME = {
    "task": "tasks",
    "model": "recognisers",
    "model_sha256": "weights of the recogniser",
    "pictures": "numbers of pictures",
    "pictures_sha256": "pictures",
}
_SAME_ENCODER = {"codec": "codecs", "encoder": "encoders", "chroma": "chroma subsamplings"}


@dataclass(frozen=True)
class CurveBdRate:
    """A BD-rate of two curves of results, as `bdrate --json` prints it.

    Attributes:
        bd_rate_percent: change of the rate in per cent over the overlap; negative is fewer bits.
        interval: 95 %, by paired bootstrap over pictures; None where none can be computed.
        overlap: where the curves are compared.
        points: measured points of the anchor and of the test.
        levels: distinct scores that isotonic regression leaves of them.
        method: interpolation.
        metric: the score.
        pictures: number of pictures, the same in both curves.
        replicates: bootstrap replicates.
        failed_replicates: replicates without a BD-rate.
        data: name of the pictures' folder.
        model: the recogniser, "none" where there is none.
        anchor: codec and filter of the anchor.
        test: codec and filter of the test.
        differs: differences beside the filter: "codec", "encoder", "chroma".
        note: the reason why there is no interval, and what to do; "" where there is one.
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


def paired_bd_rate(
    anchor_bpp: Array,
    anchor_scores: Array,
    test_bpp: Array,
    test_scores: Array,
    *,
    method: Method = "pchip",
    replicates: int = REPLICATES,
    seed: int = 0,
) -> BdRate:
    """Compute the BD-rate of the mean curves, with an interval over the pictures.

    Args:
        anchor_bpp: (levels, pictures) rates of pictures of one size.
        anchor_scores: (levels, pictures) scores; higher is better.
        test_bpp: (levels, pictures) of the same pictures; its levels may differ.
        test_scores: likewise.
        method: interpolation of the log rate over the score.
        replicates: bootstrap replicates; 0 gives no interval.
        seed: seed of the bootstrap.

    Raises:
        NotComparableError: the mean curves have no BD-rate (see `measures.bd_rate`), or more
            than 5 % of the replicates have none.
    """
    means = (a.mean(1) for a in (anchor_bpp, anchor_scores, test_bpp, test_scores))
    result = bd_rate(*means, method=method)
    if replicates == 0:
        return result
    resamples = bootstrap.draw(anchor_bpp.shape[1], replicates, seed)
    anchor = bootstrap.replicate_means(anchor_bpp, anchor_scores, resamples)
    test = bootstrap.replicate_means(test_bpp, test_scores, resamples)
    return _with_interval(result, anchor, test, method)


def compare(
    anchor: Curve,
    test: Curve,
    metric: str | None = None,
    *,
    method: Method = "pchip",
    replicates: int = REPLICATES,
    seed: int = 0,
    across_codecs: bool = False,
) -> CurveBdRate:
    """Compute the BD-rate of the curve `test` against the curve `anchor`.

    Args:
        anchor: the curve that counts as 0 %.
        test: a curve over the same pictures, with the same recogniser and encoder.
        metric: a score that both have, higher is better; None is the task's primary metric.
        method: interpolation of the log rate over the score.
        replicates: bootstrap replicates; 0 gives no interval.
        seed: seed of the bootstrap.
        across_codecs: allow codec, encoder and chroma to differ, and record it in the result.

    Raises:
        UsageError: a curve has no such metric.
        NotComparableError: the curves differ in their subject, have no BD-rate (see
            `measures.bd_rate`), or more than 5 % of the replicates have none.
    """
    differs = _differences(anchor, test, across_codecs)
    metric = metric or _primary(anchor)
    result = bd_rate(*_measured(anchor, metric), *_measured(test, metric), method=method)
    note = _why_no_interval(anchor, test, replicates)
    if not note:
        order = bootstrap.names(anchor) or ()
        resamples = bootstrap.draw(len(order), replicates, seed)
        drawn = (bootstrap.replicate(c, metric, resamples, order) for c in (anchor, test))
        result = _with_interval(result, next(drawn), next(drawn), method)
    return CurveBdRate(
        bd_rate_percent=result.percent,
        interval=result.interval,
        overlap=result.overlap,
        points=(len(anchor.points), len(test.points)),
        levels=result.levels,
        method=method,
        metric=metric,
        pictures=anchor.setup.pictures,
        replicates=0 if note else replicates,
        failed_replicates=result.failed_replicates,
        data=anchor.setup.data,
        model=anchor.setup.model,
        anchor=anchor.label,
        test=test.label,
        differs=differs,
        note=note,
    )


def percent(value: float) -> str:
    """The number for messages: signed, one decimal, zero without a sign."""
    rounded = round(value, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"


def _differences(anchor: Curve, test: Curve, across_codecs: bool) -> tuple[str, ...]:
    """Differing fields of the encoding; raises for every other difference but the filter."""
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
            f"{_pair(differing[0], anchor, test)}; add --across-codecs to compare them anyway"
        )
    return differing


def _pair(key: str, anchor: Curve, test: Curve) -> str:
    return f"{getattr(anchor.setup, key)} and {getattr(test.setup, key)}"


def _primary(curve: Curve) -> str:
    measured = curve.points[0].scores
    primary = primary_metric(curve.setup.task, measured)
    return next(iter(measured), "") if primary is None else primary.name


def _measured(curve: Curve, metric: str) -> tuple[list[float], list[float]]:
    lacking = [point for point in curve.points if metric not in point.scores]
    if lacking:
        known = ", ".join(sorted(lacking[0].scores))
        raise UsageError(f"{curve.label} has no {metric}: its scores are {known}")
    return [point.bpp for point in curve.points], [point.scores[metric] for point in curve.points]


def _why_no_interval(anchor: Curve, test: Curve, replicates: int) -> str:
    if replicates == 0:
        return "the bootstrap is off"
    listed = bootstrap.names(anchor), bootstrap.names(test)
    if None in listed:
        return "not every picture has its line in the results: evaluate with --per-image"
    return "" if listed[0] == listed[1] else "the pictures have different names in the two curves"


def _with_interval(result: BdRate, anchor: Replicates, test: Replicates, method: Method) -> BdRate:
    """The BD-rate with the interval of the paired replicates' BD-rates."""
    values = np.array([_percent(*curves, method) for curves in zip(*anchor, *test, strict=True)])
    failed = int(np.isnan(values).sum())
    if failed > MAX_FAILED * len(values):
        raise NotComparableError(
            f"no interval, since {failed} of {len(values)} bootstrap replicates overlap too "
            "little: measure more pictures, or QPs further apart"
        )
    interval = bootstrap.interval(values[~np.isnan(values)])
    return replace(result, interval=interval, failed_replicates=failed)


def _percent(
    anchor_rates: Array, anchor_scores: Array, test_rates: Array, test_scores: Array, method: Method
) -> float:
    try:
        result = bd_rate(anchor_rates, anchor_scores, test_rates, test_scores, method=method)
    except NotComparableError:
        return float("nan")
    return result.percent
