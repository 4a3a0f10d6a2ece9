"""The best setting of a filter for every QP, chosen by the codec's own exchange rate.

A setting is judged by J = R + λ(QP)·D: R in bpp, D the mean KL to the clean answer in nats, and
λ(QP) = −dR/dD of the codec without a filter, so that a filter is preferred where it saves more
bits than the codec itself would for the same loss.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from scipy.interpolate import PchipInterpolator

from neurocodec.errors import NotComparableError
from neurocodec.evaluation.results import Point

MIN_POINTS = 4
UNFILTERED = "none"


def exchange_rates(points: Iterable[Point]) -> dict[int, float]:
    """λ by QP of one unfiltered curve, in bpp a nat: the slope of R over D, taken positive.

    R(D) is the monotone cubic (PCHIP) through the points, whose divergence is first made to
    fall with the rate where noise turned it round.

    Raises:
        NotComparableError: fewer than four points, or a divergence that does not change.
    """
    ordered = sorted((p for p in points if p.qp is not None), key=lambda point: -point.bpp)
    divergence = np.maximum.accumulate([-point.scores["kl"] for point in ordered])
    distinct = np.concatenate([[True], np.diff(divergence) > 0])
    if len(ordered) < MIN_POINTS or distinct.sum() < MIN_POINTS:
        raise NotComparableError("an unfiltered curve needs four QPs of different divergence")
    rates = np.array([point.bpp for point in ordered])
    slope = PchipInterpolator(divergence[distinct], rates[distinct]).derivative()
    return {
        point.qp: float(max(0.0, -slope(d)))
        for point, d in zip(ordered, divergence, strict=True)
        if point.qp is not None
    }


def choose(points: Iterable[Point]) -> tuple[dict[int, str], dict[int, dict[str, float]]]:
    """For every QP the filter of the lowest J, averaged over recognisers; and all the Js.

    Args:
        points: of one codec on one set of pictures, unfiltered and filtered, all with "kl".

    Raises:
        NotComparableError: no unfiltered curve, or a candidate that lacks a recogniser.
    """
    by_model: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        by_model[point.setup.model].append(point)
    costs: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for model_points in by_model.values():
        rates = exchange_rates(p for p in model_points if p.setup.pre == UNFILTERED)
        for point in model_points:
            if point.qp in rates:
                cost = point.bpp - rates[point.qp] * point.scores["kl"]
                costs[point.qp][point.setup.pre].append(cost)
    means = {qp: _means(found, len(by_model)) for qp, found in sorted(costs.items())}
    return {qp: min(found, key=lambda pre: found[pre]) for qp, found in means.items()}, means


def _means(costs: Mapping[str, list[float]], models: int) -> dict[str, float]:
    for pre, values in costs.items():
        if len(values) != models:
            raise NotComparableError(f"{pre} was measured with {len(values)} of {models} models")
    return {pre: float(np.mean(values)) for pre, values in costs.items()}
