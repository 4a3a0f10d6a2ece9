"""Comparisons laid out as tables: rows, columns, and the text of each cell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from neurocodec.report.comparisons import Comparison, Subject, subject
from neurocodec.report.labels import CODING, among, heading, interval, minus, percent
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
    interval: str = ""
    tone: Tone = "absent"
    reason: str = ""


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
    for one in compared:
        groups.setdefault((subject(one.setup), one.across_codecs), []).append(one)
    return [_subject_table(group) for group in groups.values()]


def transfer_tables(compared: Iterable[Comparison]) -> list[Table]:
    """One table a task and filter, recogniser by codec, where there are several recognisers."""
    groups: dict[tuple[str, str], list[Comparison]] = {}
    for one in compared:
        if not one.across_codecs:
            groups.setdefault((one.setup.task, one.setup.pre), []).append(one)
    several = [g for g in groups.values() if len({subject(one.setup) for one in g}) > 1]
    return list(map(_transfer_table, several))


def markdown(tables: Iterable[Table]) -> str:
    """The tables in Markdown under their titles, each with the reasons why numbers are absent."""
    return "\n".join(map(_section, tables))


def _subject_table(group: Sequence[Comparison]) -> Table:
    setup = group[0].setup
    title, corner, always = heading(setup), "codec, filter", ("codec", "pre")
    if group[0].across_codecs:
        title, corner, always = f"{title}: codecs against BPG", "codec, chroma", ("codec", "chroma")
    lacking = [m for m in metrics_of(setup.task) if m.compared and m.absent != Metric.absent]
    absent = {m.title: m.absent for m in (*(one.metric for one in group), *lacking)}
    label = among([one.setup for one in group], always, CODING)
    cells = [(label(one.setup), one.metric.title, one) for one in group]
    return Table(title, corner, list(absent), _rows(cells, absent))


def _transfer_table(every: Sequence[Comparison]) -> Table:
    first = every[0].setup
    primary = primary_metric(first.task, {one.metric.name for one in every})
    group = [one for one in every if one.metric == primary]
    setups = [one.setup for one in group]
    label = among(setups, ("model", "data"), ("model_sha256", "pictures_sha256"))
    column = among(setups, ("codec",), CODING)
    absent = {column(setup): Metric.absent for setup in setups}
    cells = [(label(one.setup), column(one.setup), one) for one in group]
    title = f"{first.task}: {first.pre}, by {group[0].metric.title}"
    return Table(title, "recogniser, data", list(absent), _rows(cells, absent))


def _rows(
    cells: Iterable[tuple[str, str, Comparison]], absent: Mapping[str, str]
) -> list[tuple[str, list[Cell]]]:
    """Cells by row and column; an absent one has its column's reason as its text."""
    rows: dict[str, dict[str, Cell]] = {}
    for label, column, one in cells:
        rows.setdefault(label, {})[column] = _cell(one)
    return [
        (label, [r.get(c, Cell(why)) for c, why in absent.items()]) for label, r in rows.items()
    ]


def _cell(comparison: Comparison) -> Cell:
    result = comparison.bd_rate
    reason = minus(comparison.reason)
    if result is None:
        return Cell("none", reason=reason)
    text = percent(result.bd_rate_percent)
    if result.interval is None:
        return Cell(text, "", "open", reason)
    low, high = result.interval
    tone: Tone = "better" if high < 0 else "worse" if low > 0 else "open"
    return Cell(text, interval(result.interval), tone)


def _section(table: Table) -> str:
    rule = ["---", *("---:" for _ in table.columns)]
    rows = [[label, *(f"{c.text} {c.interval}".strip() for c in row)] for label, row in table.rows]
    lines = [_line(row) for row in ([table.corner, *table.columns], rule, *rows)]
    reasons = dict.fromkeys(c.reason for _, cells in table.rows for c in cells if c.reason)
    notes = ["", *(f"- {reason}" for reason in reasons)] if reasons else []
    return "\n".join([f"## {table.title}", "", *lines, *notes, ""])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
