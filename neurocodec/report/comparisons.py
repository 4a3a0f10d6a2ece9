"""Every comparison that a set of results allows: filters with their codec, codecs with BPG."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from neurocodec import tasks
from neurocodec.errors import NotComparableError, UsageError
from neurocodec.evaluation import bd_rate
from neurocodec.evaluation.bd_rate import CurveBdRate, Estimation
from neurocodec.evaluation.results import Setup
from neurocodec.evaluation.selection import UNFILTERED, Curve
from neurocodec.tasks import Metric

ANCHOR_CODEC = "bpg"

Subject = tuple[str, str, str, str, str]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two curves to compare by one metric and, after `compare`, the outcome.

    Attributes:
        across_codecs: the codecs are meant to differ.
        reason: the reason why there is no BD-rate or no interval; "" where both are present.
    """

    anchor: Curve
    test: Curve
    metric: Metric
    across_codecs: bool
    bd_rate: CurveBdRate | None = None
    reason: str = ""

    @property
    def setup(self) -> Setup:
        """The setup of the curve that is compared."""
        return self.test.setup


def subject(setup: Setup) -> Subject:
    """Pictures, task and recogniser: curves are only compared where this is equal."""
    return (setup.data, setup.pictures_sha256, setup.task, setup.model, setup.model_sha256)


def by_subject(curves: Iterable[Curve]) -> list[list[Curve]]:
    """The curves of every subject, in order of appearance."""
    grouped: dict[Subject, list[Curve]] = {}
    for curve in curves:
        grouped.setdefault(subject(curve.setup), []).append(curve)
    return list(grouped.values())


def metrics(curves: Sequence[Curve]) -> list[Metric]:
    """The metrics that some point of one task's curves has, the primary one first."""
    task = curves[0].setup.task
    present = {name for curve in curves for point in curve.points for name in point.scores}
    primary = tasks.primary_metric(task, present)
    compared = [m for m in tasks.metrics_of(task) if m.compared and m.name in present]
    return sorted(compared, key=lambda metric: metric != primary)


def pairs(curves: Sequence[Curve]) -> list[Comparison]:
    """Every filtered curve with the unfiltered one of its encoder, then every codec with BPG."""
    paired = []
    for group in by_subject(curves):
        known = metrics(group)
        plain = {_coding(curve): curve for curve in group if curve.setup.pre == UNFILTERED}
        filtered = [c for c in group if c.setup.pre != UNFILTERED and _coding(c) in plain]
        paired += [Comparison(plain[_coding(c)], c, m, False) for c in filtered for m in known]
        anchor = next((c for c in plain.values() if c.setup.codec == ANCHOR_CODEC), None)
        if anchor is not None:
            others = [c for c in plain.values() if c.setup.codec != ANCHOR_CODEC]
            paired += [Comparison(anchor, c, m, True) for c in others for m in known]
    return paired


def compare(chosen: Iterable[Comparison], estimation: Estimation) -> Iterator[Comparison]:
    """Compute the BD-rate of every pair, or say why it has none."""
    for pair in chosen:
        curves, across = (pair.anchor, pair.test), pair.across_codecs
        try:
            result = bd_rate.compare(*curves, pair.metric.name, estimation, across_codecs=across)
        except (NotComparableError, UsageError) as exc:
            yield replace(pair, reason=str(exc))
        else:
            yield replace(pair, bd_rate=result, reason=result.note)


def _coding(curve: Curve) -> tuple[str, str, str]:
    return curve.setup.codec, curve.setup.encoder, curve.setup.chroma
