"""The measured points as a table and as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields

from neurocodec.evaluation import results
from neurocodec.evaluation.results import Point, Setup
from neurocodec.evaluation.selection import Curve
from neurocodec.report import comparisons
from neurocodec.report.labels import heading, minus, shortened


@dataclass(frozen=True)
class Points:
    """The points of one subject.

    Attributes:
        title: the subject.
        columns: headings of the cells.
        rows: each a curve's name and its cells.
        commands: the command lines that rows refer to by their number.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    commands: Sequence[str]


def tabulate(curves: Sequence[Curve]) -> Points:
    """Lay out the points of the curves of one subject."""
    shown = comparisons.metrics(curves)
    commands: dict[str, int] = {}
    rows = []
    for curve in curves:
        for point in curve.points:
            number = commands.setdefault(point.command, len(commands) + 1) if point.command else ""
            scores = [_number(point.scores.get(metric.name)) for metric in shown]
            cells = [_level(point), f"{point.bpp:.4f}", *scores, *_origin(point), str(number)]
            rows.append((f"{curve.setup.codec}, {curve.setup.pre}", cells))
    titles = [metric.title for metric in shown]
    origin = ["encoder", "chroma", "weights", "date", "command"]
    title = heading(curves[0].setup)
    return Points(title, ["level", "bpp", *titles, *origin], rows, list(commands))


def as_csv(curves: Sequence[Curve]) -> str:
    """All points with all their fields and scores, one a line."""
    points = [point for curve in curves for point in curve.points]
    scores = list(dict.fromkeys(name for point in points for name in point.scores))
    shared = [field.name for field in fields(Setup)]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*shared, "unit", "level", "bpp", *scores, "date", "command"])
    for point in points:
        setup = [getattr(point.setup, name) for name in shared]
        values = [point.scores.get(name, "") for name in scores]
        level = results.level(point)
        writer.writerow([*setup, *level, point.bpp, *values, point.date, point.command])
    return buffer.getvalue()


def _level(point: Point) -> str:
    unit, value = results.level(point)
    return f"{unit.replace('qp', 'QP')} {value}"


def _origin(point: Point) -> list[str]:
    setup = point.setup
    return [setup.encoder, setup.chroma, shortened(setup.weights_sha256), point.date[:10]]


def _number(value: float | None) -> str:
    return "" if value is None else minus(f"{value:.4f}")
