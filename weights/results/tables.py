"""Markdown tables, and the lines that are kept beside this file."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ABSENT = "not measured"

Line = dict[str, Any]


def table(head: str, rows: Sequence[Sequence[str]]) -> str:
    """Format a Markdown table; the head has its columns separated by " | "."""
    if not rows:
        return f"({ABSENT})"
    columns = head.split(" | ")
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def kept(name: str) -> Iterator[Line]:
    """Yield the lines of a kept file; none where it does not exist."""
    path = HERE / f"{name}.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    yield from map(json.loads, lines)


def signed(value: float, decimals: int = 1) -> str:
    """Format a number with its sign."""
    return f"{value:+.{decimals}f}".replace("-", "−")


def top1_and_kl(scores: Line) -> str:
    """Format the top-1 accuracy in per cent, and KL."""
    return f"{scores['top1']:.1%} / {-scores['kl']:.2f}".replace("%", "")


def with_interval(line: Line) -> str:
    """Format the BD-rate of a line of bdrate, and its interval if there is one."""
    if line["interval"] is None:
        return f"{signed(line['bd_rate_percent'])} (no interval)"
    low, high = line["interval"]
    return f"{signed(line['bd_rate_percent'])} [{signed(low)}, {signed(high)}]"
