"""Comparisons laid out as tables: rows, columns, and what each cell says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from neurocodec.evaluation.bd_rate import percent
from neurocodec.evaluation.comparison import (
    HUMAN_METRICS,
    PRIMARY_METRICS,
    RECOGNITION_METRICS,
    Comparison,
    Subject,
    subject,
)
from neurocodec.evaluation.labels import Label, among, heading

Tone = Literal["better", "worse", "open", "absent"]

TITLES = {
    "top1": "top-1",
    "map": "mAP",
    "miou": "mIoU",
    "agreement": "agreement",
    "kl": "KL",
    "psnr_db": "PSNR",
    "ms_ssim": "MS-SSIM",
    "lpips": "LPIPS",
    "fsim": "FSIM",
}
_CODING = ("encoder", "chroma", "neurocodec")
_ABSENT = {"lpips": "weights absent", "ms_ssim": "pictures too small"}


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: the number, or in a word why there is none.
        interval: "" without one.
        tone: "better" or "worse" where the interval is on one side of zero, else "open";
            "absent" without a number.
        reason: why there is no number or no interval; "" where there are both.
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


def filter_tables(found: Sequence[Comparison]) -> list[Table]:
    """BD-rates by every recognition metric: codec and filter against that codec unfiltered."""
    wanted = [c for c in found if c.pair.metric in RECOGNITION_METRICS and not c.pair.across_codecs]
    return _by_subject(wanted, RECOGNITION_METRICS, ("codec", "pre"))


def codec_tables(found: Sequence[Comparison]) -> list[Table]:
    """BD-rates of the other codecs against BPG, all unfiltered."""
    wanted = [c for c in found if c.pair.metric in RECOGNITION_METRICS and c.pair.across_codecs]
    return _by_subject(wanted, RECOGNITION_METRICS, ("codec", "chroma"))


def human_tables(found: Sequence[Comparison]) -> list[Table]:
    """BD-rates by the measures of what people see: filters and codecs alike."""
    wanted = [c for c in found if c.pair.metric in HUMAN_METRICS]
    return _by_subject(wanted, HUMAN_METRICS, ("codec", "pre"))


def transfer_tables(found: Sequence[Comparison]) -> list[Table]:
    """One table a task and filter, of recogniser by codec, in the task's primary metric."""
    groups: dict[tuple[str, str, str], list[Comparison]] = {}
    for comparison in found:
        if not comparison.pair.across_codecs:
            setup = comparison.pair.test.setup
            key = (setup.task, setup.pre, setup.weights_sha256)
            groups.setdefault(key, []).append(comparison)
    return [table for group in groups.values() for table in _transfer(group)]


def _transfer(found: Sequence[Comparison]) -> Iterator[Table]:
    there = {comparison.pair.metric for comparison in found}
    primary = next((metric for metric in PRIMARY_METRICS if metric in there), None)
    if primary is None:
        return
    wanted = [comparison for comparison in found if comparison.pair.metric == primary]
    setups = [comparison.pair.test.setup for comparison in wanted]
    label = among(setups, ("model", "data"), ("model_sha256", "pictures_sha256"))
    column = among(setups, ("codec",), _CODING)
    columns = {column(setup): column(setup) for setup in setups}
    title = f"{setups[0].task}: {setups[0].pre}, BD-rate by {TITLES[primary]}"
    cells = [(c, column(c.pair.test.setup)) for c in wanted]
    yield _table(title, "recogniser, data", columns, cells, label)


def _by_subject(
    found: Sequence[Comparison], known: Sequence[str], always: Sequence[str]
) -> list[Table]:
    groups: dict[Subject, list[Comparison]] = {}
    for comparison in found:
        groups.setdefault(subject(comparison.pair.test.setup), []).append(comparison)
    tables = []
    for group in groups.values():
        setups = [comparison.pair.test.setup for comparison in group]
        there = {comparison.pair.metric for comparison in group}
        columns = {m: TITLES[m] for m in known if m in there or known is HUMAN_METRICS}
        cells = [(comparison, comparison.pair.metric) for comparison in group]
        label = among(setups, always, ("weights_sha256", *_CODING))
        tables.append(_table(heading(setups[0]), ", ".join(always), columns, cells, label))
    return tables


def _table(
    title: str,
    corner: str,
    columns: Mapping[str, str],
    found: Sequence[tuple[Comparison, str]],
    label: Label,
) -> Table:
    """Rows by the label of the tested curve; `columns` maps what `found` says to a heading."""
    rows: dict[str, dict[str, Cell]] = {}
    for comparison, column in found:
        rows.setdefault(label(comparison.pair.test.setup), {})[column] = _cell(comparison)
    shown = [(row, [cells.get(c, _absent(c)) for c in columns]) for row, cells in rows.items()]
    return Table(title, corner.replace("pre", "filter"), list(columns.values()), shown)


def _absent(column: str) -> Cell:
    word = _ABSENT.get(column, "not measured")
    return Cell(word, "", "absent", "")


def _cell(comparison: Comparison) -> Cell:
    found = comparison.bd_rate
    if found is None:
        return Cell("none", "", "absent", comparison.reason)
    text = f"{percent(found.bd_rate_percent)} %"
    if found.interval is None:
        return Cell(text, "", "open", comparison.reason)
    low, high = found.interval
    tone: Tone = "better" if high < 0 else "worse" if low > 0 else "open"
    return Cell(text, f"[{percent(low)}, {percent(high)}]", tone, "")
