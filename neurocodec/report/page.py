"""The report as one self-contained page, with its figures and a CSV of the points beside it."""

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from neurocodec import __version__, files
from neurocodec.evaluation.bd_rate import Estimation
from neurocodec.evaluation.selection import UNFILTERED, Curve
from neurocodec.report import figures, points, tables
from neurocodec.report.comparisons import by_subject, compare, metrics, pairs
from neurocodec.report.labels import CODING, among, heading

if TYPE_CHECKING:
    from neurocodec.report.examples import Example

PAGE = "index.html"
FIGURES = "figures"
CSV = "points.csv"

_PLOTTED = 2


@dataclass(frozen=True)
class Figure:
    """A figure on the page, and under `name` in the figures' folder, as SVG and as PNG."""

    name: str
    caption: str
    svg: bytes
    png: bytes


def write(
    curves: Sequence[Curve],
    folder: Path,
    estimation: Estimation,
    examples: "Iterable[Example]" = (),
    advance: Callable[[], Any] = lambda: None,
) -> Path:
    """Write the page, its figures and the CSV.

    Args:
        curves: of any tasks, recognisers, codecs and filters.
        folder: created if need be; files of the same names in it are replaced.
        estimation: interpolation of the BD-rates, and bootstrap.
        examples: pictures to show.
        advance: called as each of `steps` is done.

    Returns:
        The path of the page.

    Raises:
        OutputError: something cannot be written.
    """
    compared = []
    for comparison in compare(pairs(curves), estimation):
        compared.append(comparison)
        advance()
    groups = by_subject(curves)
    sections: list[tuple[str, list[Figure]]] = []
    for number, group in enumerate(groups, 1):
        sections.append((heading(group[0].setup), list(_figures(number, group, estimation))))
        advance()
    page = _template().render(
        version=__version__,
        method=estimation.method,
        replicates=estimation.replicates,
        bd_rates=tables.subject_tables(compared),
        transfer=tables.transfer_tables(compared),
        sections=[section for section in sections if section[1]],
        points=list(map(points.tabulate, groups)),
        csv=CSV,
        examples=list(examples),
    )
    files.make_folder(folder)
    for figure in chain.from_iterable(drawn for _, drawn in sections):
        files.make_folder(folder / FIGURES)
        files.write(str(folder / FIGURES / f"{figure.name}.svg"), figure.svg)
        files.write(str(folder / FIGURES / f"{figure.name}.png"), figure.png)
    files.write(str(folder / CSV), points.as_csv(curves).encode())
    files.write(str(folder / PAGE), page.encode())
    return folder / PAGE


def steps(curves: Sequence[Curve]) -> int:
    """How often `write` calls `advance`."""
    return len(pairs(curves)) + len(by_subject(curves))


def _figures(number: int, group: Sequence[Curve], estimation: Estimation) -> Iterator[Figure]:
    for view, curves in _views(group):
        label = among([curve.setup for curve in curves], ("codec", "pre"), CODING)
        for metric in metrics(curves):
            points_of = {c: sum(metric.name in p.scores for p in c.points) for c in curves}
            plotted = [curve for curve, count in points_of.items() if count >= _PLOTTED]
            if plotted:
                drawn = figures.draw(plotted, metric, label, estimation)
                name = f"{number}-{group[0].setup.task}-{view}-{metric.name}"
                yield Figure(re.sub(r"[^\w.-]+", "-", name), f"{view}: {metric.title}", *drawn)


def _views(group: Sequence[Curve]) -> list[tuple[str, list[Curve]]]:
    """The curves that share a figure: all codecs unfiltered, and each codec with its filters."""
    plain = [curve for curve in group if curve.setup.pre == UNFILTERED]
    views = [("codecs without a filter", plain)] if len(plain) > 1 else []
    for codec in dict.fromkeys(curve.setup.codec for curve in group):
        curves = [curve for curve in group if curve.setup.codec == codec]
        if len(curves) > 1 or len(plain) <= 1:
            views.append((f"{codec} and its filters" if len(curves) > 1 else codec, curves))
    return views


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    source = package_files("neurocodec.report").joinpath("page.html").read_text("utf-8")
    return environment.from_string(source)
