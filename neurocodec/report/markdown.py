"""BD-rates as tables in Markdown."""

from collections.abc import Iterable, Sequence

from neurocodec.report.labels import interval, percent
from neurocodec.report.tables import Cell, Table


def page(tables: Iterable[Table]) -> str:
    """The tables under their titles, each with the reasons why numbers are absent."""
    return "\n".join(_section(table) for table in tables)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is left-aligned and whose other ones are right-aligned."""
    rule = ["---", *("---:" for _ in header[1:])]
    return "".join(f"| {' | '.join(map(_escaped, row))} |\n" for row in (header, rule, *rows))


def bd_rate(value: float, ends: Sequence[float] | None) -> str:
    """A BD-rate and its interval in per cent: "−13.4 % [−15.0, −11.9]"."""
    return " ".join(filter(None, (percent(value), interval(ends))))


def _section(shown: Table) -> str:
    rows = [[label, *map(_text, cells)] for label, cells in shown.rows]
    reasons = dict.fromkeys(c.reason for _, cells in shown.rows for c in cells if c.reason)
    notes = "".join(f"\n- {reason}" for reason in reasons)
    body = table([shown.corner, *shown.columns], rows)
    return f"## {shown.title}\n\n{body}{notes}{bool(notes) * chr(10)}"


def _text(cell: Cell) -> str:
    return " ".join(filter(None, (cell.text, cell.interval)))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
