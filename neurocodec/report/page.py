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
from neurocodec.evaluation.selection import Curve
from neurocodec.measures.bd_rate import Method
from neurocodec.report import figures, points, tables
from neurocodec.report.comparisons import UNFILTERED, by_subject, compare, metrics, pairs
from neurocodec.report.figures import Drawing
from neurocodec.report.labels import CODING, among, heading
from neurocodec.tasks import Metric

if TYPE_CHECKING:
    from neurocodec.report.examples import Example

PAGE = "index.html"
FIGURES = "figures"
CSV = "points.csv"

_PLOTTED = 2


@dataclass(frozen=True)
class Figure:
    """A figure on the page, and under `name` in the figures' folder."""

    name: str
    caption: str
    drawing: Drawing

    def write(self, folder: Path) -> None:
        """Write the figure's files."""
        files.make_folder(folder)
        for kind, data in (("svg", self.drawing.svg), ("png", self.drawing.png)):
            files.write(str(folder / f"{self.name}.{kind}"), data)


def write(
    curves: Sequence[Curve],
    folder: Path,
    *,
    method: Method,
    replicates: int,
    seed: int,
    examples: "Iterable[Example]" = (),
    advance: Callable[[], Any] = lambda: None,
) -> Path:
    """Write the page, its figures and the CSV.

    Args:
        curves: of any tasks, recognisers, codecs and filters.
        folder: created if need be; files of the same names in it are replaced.
        method: interpolation of the BD-rates.
        replicates: bootstrap replicates.
        seed: seed of every bootstrap.
        examples: pictures to show.
        advance: called as each of `steps` is done.

    Returns:
        The path of the page.

    Raises:
        OutputError: something cannot be written.
    """
    compared = []
    for comparison in compare(pairs(curves), method, replicates, seed):
        compared.append(comparison)
        advance()
    sections: list[tuple[str, list[Figure]]] = []
    for number, group in enumerate(by_subject(curves).values(), 1):
        drawn = list(_figures(number, group, replicates, seed))
        sections.append((heading(group[0].setup), drawn))
        advance()
    page = _template().render(
        version=__version__,
        method=method,
        replicates=replicates,
        bd_rates=tables.subject_tables(compared),
        transfer=tables.transfer_tables(compared),
        sections=[section for section in sections if section[1]],
        points=[points.tabulate(group) for group in by_subject(curves).values()],
        csv=CSV,
        examples=list(examples),
    )
    files.make_folder(folder)
    for figure in chain.from_iterable(drawn for _, drawn in sections):
        figure.write(folder / FIGURES)
    files.write(str(folder / CSV), points.as_csv(curves).encode())
    files.write(str(folder / PAGE), page.encode())
    return folder / PAGE


def steps(curves: Sequence[Curve]) -> int:
    """How often `write` calls `advance`."""
    return len(pairs(curves)) + len(by_subject(curves))


def _figures(number: int, group: Sequence[Curve], replicates: int, seed: int) -> Iterator[Figure]:
    for view, curves in _views(group):
        label = among([curve.setup for curve in curves], ("codec", "pre"), CODING)
        for metric in metrics(curves):
            plotted = [curve for curve in curves if _is_plotted(curve, metric)]
            if plotted:
                drawing = figures.draw(plotted, metric, label, replicates=replicates, seed=seed)
                name = f"{number}-{group[0].setup.task}-{view}-{metric.name}"
                caption = f"{view}: {metric.title}"
                yield Figure(re.sub(r"[^\w.-]+", "-", name), caption, drawing)


def _is_plotted(curve: Curve, metric: Metric) -> bool:
    return sum(metric.name in point.scores for point in curve.points) >= _PLOTTED


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
