"""The best setting of a filter for every QP, by the codec's rate–distortion slope.

A setting costs J = R + λ(QP)·D: R in bpp, D the mean KL to the prediction on the original in
nats, and λ(QP) = −dR/dD of the codec without a filter (see slope.py). So a filter wins where it
saves more bits than the codec itself would for the same loss.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from neurocodec.errors import NotComparableError, UsageError
from neurocodec.evaluation.selection import UNFILTERED, Curve
from neurocodec.measures import slope

_SAME = ("data", "pictures_sha256", "task", "encoder", "chroma")


def candidates(curves: Iterable[Curve], codec: str, name: str) -> list[Curve]:
    """The codec's curves without a filter and with the filter `name`.

    Raises:
        UsageError: the results have no such codec or filter; the message lists theirs.
    """
    curves = list(curves)
    codecs = dict.fromkeys(curve.setup.codec for curve in curves)
    if codec not in codecs:
        raise UsageError(f"--codec {codec}: the results have {_listed(codecs)}")
    names = {c: c.setup.pre.partition(":")[0] for c in curves if c.setup.codec == codec}
    known = dict.fromkeys(other for other in names.values() if other != UNFILTERED)
    if name not in known:
        raise UsageError(f"--filter {name}: the results have, with {codec}, {_listed(known)}")
    return [curve for curve, its in names.items() if its in {UNFILTERED, name}]


def choose(curves: Sequence[Curve]) -> tuple[dict[int, str], dict[int, dict[str, float]]]:
    """Choose for every QP the filter of the lowest J, averaged over recognisers.

    Args:
        curves: one codec on one set of pictures, unfiltered and filtered.

    Returns:
        The filters by QP, and by QP the J of every filter.

    Raises:
        NotComparableError: the curves are of different pictures or encoders, the unfiltered one
            is missing or too short, a point has no KL, or a filter lacks a recogniser.
    """
    _check(curves)
    by_model: dict[tuple[str, str], list[Curve]] = defaultdict(list)
    for curve in curves:
        by_model[curve.setup.model, curve.setup.model_sha256].append(curve)
    costs: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for group in by_model.values():
        lmbda = _lmbda(group)
        for curve in group:
            for point in curve.points:
                if point.qp in lmbda:
                    cost = point.bpp - lmbda[point.qp] * point.scores["kl"]
                    costs[point.qp][curve.setup.pre].append(cost)
    means = {qp: _means(by_filter, len(by_model)) for qp, by_filter in sorted(costs.items())}
    if all(len(by_filter) == 1 for by_filter in means.values()):
        raise NotComparableError("the filter was measured at none of the unfiltered curve's QPs")
    return {qp: min(costs, key=lambda pre: costs[pre]) for qp, costs in means.items()}, means


def _check(curves: Sequence[Curve]) -> None:
    for key in _SAME:
        values = dict.fromkeys(str(getattr(curve.setup, key)) for curve in curves)
        if len(values) > 1:
            raise NotComparableError(
                f"the results mix curves of different {key} ({' and '.join(values)}): "
                "name files of one set of pictures and one encoder"
            )
    for curve in curves:
        if any("kl" not in point.scores for point in curve.points):
            raise NotComparableError(f"{curve.label} has no kl: evaluate with a recogniser")


def _lmbda(curves: Sequence[Curve]) -> dict[int, float]:
    """λ by QP of the unfiltered curve among one recogniser's curves."""
    plain = [p for c in curves if c.setup.pre == UNFILTERED for p in c.points]
    rates = {point.qp: point.bpp for point in plain if point.qp is not None}
    losses = [-point.scores["kl"] for point in plain if point.qp is not None]
    lmbda = slope.fit(list(rates), list(rates.values()), losses).lmbda(list(rates))
    return dict(zip(rates, map(float, lmbda), strict=True))


def _means(costs: Mapping[str, Sequence[float]], models: int) -> dict[str, float]:
    for pre, values in costs.items():
        if len(values) != models:
            raise NotComparableError(
                f"{pre} has {len(values)} curves of {models} recognisers: it needs one of each"
            )
    return {pre: float(np.mean(values)) for pre, values in costs.items()}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
