"""Comparisons laid out as tables: rows, columns, and the text of each cell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from neurocodec.evaluation.results import Setup
from neurocodec.report.comparisons import Comparison, Subject, subject
from neurocodec.report.labels import CODING, Label, among, heading, interval, minus, percent
from neurocodec.tasks import Metric, metrics_of, primary_metric

Tone = Literal["better", "worse", "open", "absent"]


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: the number, or in a word why it is absent.
        interval: "" without one.
        tone: "better" or "worse" where the interval is on one side of zero, else "open";
            "absent" without a number.
        reason: why the number or the interval is absent; "" where both are present.
    """

    text: str
    interval: str
    tone: Tone
    reason: str


@dataclass(frozen=True)
class Table:
    """A table. Each row is its label and its cells, as many as there are columns."""

    title: str
    corner: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]


def subject_tables(compared: Iterable[Comparison]) -> list[Table]:
    """BD-rates by every metric: for each subject its filters, then its codecs against BPG."""
    groups: dict[tuple[Subject, bool], list[Comparison]] = {}
    for comparison in compared:
        key = subject(comparison.pair.test.setup), comparison.pair.across_codecs
        groups.setdefault(key, []).append(comparison)
    return [_subject_table(group, across) for (_, across), group in groups.items()]


def transfer_tables(compared: Iterable[Comparison]) -> list[Table]:
    """One table a task and filter, recogniser by codec, where there are several recognisers."""
    groups: dict[tuple[str, str], list[Comparison]] = {}
    for comparison in compared:
        if not comparison.pair.across_codecs:
            setup = comparison.pair.test.setup
            groups.setdefault((setup.task, setup.pre), []).append(comparison)
    return [
        _transfer_table(group)
        for group in groups.values()
        if len({subject(comparison.pair.test.setup) for comparison in group}) > 1
    ]


def _subject_table(group: Sequence[Comparison], across_codecs: bool) -> Table:
    setups = [comparison.pair.test.setup for comparison in group]
    present = dict.fromkeys(comparison.pair.metric for comparison in group)
    lacking = (m for m in metrics_of(setups[0].task) if m.compared and m.absent != Metric.absent)
    columns = {metric.name: metric for metric in (*present, *lacking)}
    title, corner, always = heading(setups[0]), "codec, filter", ("codec", "pre")
    if across_codecs:
        title, corner, always = f"{title}: codecs against BPG", "codec, chroma", ("codec", "chroma")
    rows: dict[str, dict[str, Cell]] = {}
    label = among(setups, always, CODING)
    for comparison in group:
        row = rows.setdefault(label(comparison.pair.test.setup), {})
        row[comparison.pair.metric.name] = _cell(comparison)
    absent = {name: _absent(metric.absent) for name, metric in columns.items()}
    titles = {name: metric.title for name, metric in columns.items()}
    return Table(title, corner, list(titles.values()), _filled(rows, absent))


def _transfer_table(every: Sequence[Comparison]) -> Table:
    metrics = {comparison.pair.metric.name for comparison in every}
    primary = primary_metric(every[0].pair.test.setup.task, metrics)
    group = [comparison for comparison in every if comparison.pair.metric == primary]
    setups = [comparison.pair.test.setup for comparison in group]
    label = among(setups, ("model", "data"), ("model_sha256", "pictures_sha256"))
    column: Label = among(setups, ("codec",), CODING)
    rows: dict[str, dict[str, Cell]] = {}
    for comparison in group:
        setup: Setup = comparison.pair.test.setup
        rows.setdefault(label(setup), {})[column(setup)] = _cell(comparison)
    absent = {column(setup): _absent(Metric.absent) for setup in setups}
    title = f"{setups[0].task}: {setups[0].pre}, by {group[0].pair.metric.title}"
    return Table(title, "recogniser, data", list(absent), _filled(rows, absent))


def _filled(
    rows: Mapping[str, Mapping[str, Cell]], absent: Mapping[str, Cell]
) -> list[tuple[str, list[Cell]]]:
    return [
        (label, [cells.get(column, empty) for column, empty in absent.items()])
        for label, cells in rows.items()
    ]


def _absent(reason: str) -> Cell:
    return Cell(reason, "", "absent", "")


def _cell(comparison: Comparison) -> Cell:
    result = comparison.bd_rate
    reason = minus(comparison.reason)
    if result is None:
        return Cell("none", "", "absent", reason)
    text = percent(result.bd_rate_percent)
    if result.interval is None:
        return Cell(text, "", "open", reason)
    low, high = result.interval
    tone: Tone = "better" if high < 0 else "worse" if low > 0 else "open"
    return Cell(text, interval(result.interval), tone, "")
