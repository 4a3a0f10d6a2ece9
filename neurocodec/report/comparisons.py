"""Every comparison that a set of results allows: filters with their codec, codecs with BPG."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from neurocodec import tasks
from neurocodec.errors import NotComparableError, UsageError
from neurocodec.evaluation import bd_rate
from neurocodec.evaluation.bd_rate import CurveBdRate
from neurocodec.evaluation.results import Setup
from neurocodec.evaluation.selection import Curve
from neurocodec.measures.bd_rate import Method
from neurocodec.tasks import Metric

UNFILTERED = "none"
ANCHOR_CODEC = "bpg"

Subject = tuple[str, str, str, str, str]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two curves to compare by one metric. `across_codecs`: their codecs are meant to differ."""

    anchor: Curve
    test: Curve
    metric: Metric
    across_codecs: bool


@dataclass(frozen=True, eq=False)
class Comparison:
    """The outcome of a pair: a BD-rate, or the reason why it has none or no interval."""

    pair: Pair
    bd_rate: CurveBdRate | None
    reason: str


def subject(setup: Setup) -> Subject:
    """Pictures, task and recogniser: curves are only compared where this is equal."""
    return (setup.data, setup.pictures_sha256, setup.task, setup.model, setup.model_sha256)


def by_subject(curves: Iterable[Curve]) -> dict[Subject, list[Curve]]:
    """The curves of every subject, in order of appearance."""
    grouped: dict[Subject, list[Curve]] = {}
    for curve in curves:
        grouped.setdefault(subject(curve.setup), []).append(curve)
    return grouped


def metrics(curves: Sequence[Curve]) -> list[Metric]:
    """The metrics that some point of one task's curves has, the primary one first."""
    task = curves[0].setup.task
    present = {name for curve in curves for point in curve.points for name in point.scores}
    primary = tasks.primary_metric(task, present)
    compared = [m for m in tasks.metrics_of(task) if m.compared and m.name in present]
    return sorted(compared, key=lambda metric: metric != primary)


def pairs(curves: Sequence[Curve]) -> list[Pair]:
    """Every filtered curve with the unfiltered one of its encoder, then every codec with BPG."""
    paired = []
    for group in by_subject(curves).values():
        known = metrics(group)
        plain = {_coding(curve): curve for curve in group if curve.setup.pre == UNFILTERED}
        filtered = [c for c in group if c.setup.pre != UNFILTERED and _coding(c) in plain]
        paired += [Pair(plain[_coding(c)], c, m, False) for c in filtered for m in known]
        anchor = next((c for c in plain.values() if c.setup.codec == ANCHOR_CODEC), None)
        others = [c for c in plain.values() if c.setup.codec != ANCHOR_CODEC]
        paired += [Pair(anchor, c, m, True) for c in others for m in known if anchor is not None]
    return paired


def compare(
    chosen: Iterable[Pair], method: Method, replicates: int, seed: int
) -> Iterator[Comparison]:
    """Compute the BD-rate of every pair, or say why it has none."""
    for pair in chosen:
        try:
            result = bd_rate.compare(
                pair.anchor,
                pair.test,
                pair.metric.name,
                method=method,
                replicates=replicates,
                seed=seed,
                across_codecs=pair.across_codecs,
            )
        except (NotComparableError, UsageError) as exc:
            yield Comparison(pair, None, str(exc))
        else:
            yield Comparison(pair, result, result.note)


def _coding(curve: Curve) -> tuple[str, str, str]:
    return curve.setup.codec, curve.setup.encoder, curve.setup.chroma
