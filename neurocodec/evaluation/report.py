"""The report: results as one self-contained page, and its figures as files."""

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from neurocodec import __version__, files
from neurocodec.evaluation import figures, tables
from neurocodec.evaluation.comparison import UNFILTERED, by_subject, compare, metrics, pairs
from neurocodec.evaluation.figures import AXES, Drawing
from neurocodec.evaluation.labels import among, heading
from neurocodec.evaluation.selection import Curve
from neurocodec.measures.bd_rate import Method

if TYPE_CHECKING:
    from neurocodec.evaluation.examples import Example

PAGE = "index.html"
FIGURES = "figures"

_TELLING = ("weights_sha256", "encoder", "chroma", "neurocodec")


@dataclass(frozen=True)
class Figure:
    """A figure on the page and in the figures' folder, there under `name`."""

    name: str
    caption: str
    drawing: Drawing


@dataclass(frozen=True)
class Section:
    """The figures of one subject: one recogniser on one set of pictures."""

    title: str
    figures: Sequence[Figure]


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
    """Write the page and its figures.

    Args:
        curves: of any tasks, recognisers, codecs and filters.
        folder: made where it is not there; files of the same names in it are replaced.
        method: of the BD-rates.
        replicates: of every bootstrap.
        seed: of every bootstrap.
        examples: pictures to show.
        advance: called as each of `steps` is done.

    Returns:
        The page.

    Raises:
        OutputError: something cannot be written.
    """
    compared = []
    for comparison in compare(pairs(curves), method, replicates, seed):
        compared.append(comparison)
        advance()
    sections: list[Section] = []
    for group in by_subject(curves).values():
        sections.append(_section(len(sections) + 1, group, replicates, seed))
        advance()
    page = _template().render(
        version=__version__,
        method=method,
        replicates=replicates,
        sections=sections,
        filter_tables=tables.filter_tables(compared),
        codec_tables=tables.codec_tables(compared),
        transfer_tables=tables.transfer_tables(compared),
        human_tables=tables.human_tables(compared),
        examples=list(examples),
    )
    return _put(folder, page, [figure for section in sections for figure in section.figures])


def steps(curves: Sequence[Curve]) -> int:
    """How often `write` calls `advance`."""
    return len(pairs(curves)) + len(by_subject(curves))


def _section(number: int, group: Sequence[Curve], replicates: int, seed: int) -> Section:
    title = heading(group[0].setup)
    drawn = []
    for what, curves in _views(group):
        label = among([curve.setup for curve in curves], ("codec", "pre"), _TELLING)
        for metric in metrics(curves):
            caption = f"{what}: {AXES[metric]}"
            drawing = figures.draw(
                curves, metric, f"{title}\n{what}", label, replicates=replicates, seed=seed
            )
            name = re.sub(r"[^\w.-]+", "-", f"{number}-{group[0].setup.task}-{what}-{metric}")
            drawn.append(Figure(name, caption, drawing))
    return Section(title, drawn)


def _views(group: Sequence[Curve]) -> list[tuple[str, list[Curve]]]:
    """Which curves share a figure: all codecs unfiltered, and each codec with its filters."""
    plain = [curve for curve in group if curve.setup.pre == UNFILTERED]
    views = [("codecs without a filter", plain)] if len(plain) > 1 else []
    for codec in dict.fromkeys(curve.setup.codec for curve in group):
        curves = [curve for curve in group if curve.setup.codec == codec]
        if len(curves) > 1 or len(plain) < 2:
            views.append((f"{codec} and its filters" if len(curves) > 1 else codec, curves))
    return views


def _put(folder: Path, page: str, drawn: Iterable[Figure]) -> Path:
    files.make_folder(folder / FIGURES)
    for figure in drawn:
        for kind, data in (("svg", figure.drawing.svg), ("png", figure.drawing.png)):
            files.write(str(folder / FIGURES / f"{figure.name}.{kind}"), data)
    files.write(str(folder / PAGE), page.encode())
    return folder / PAGE


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    source = package_files("neurocodec.evaluation").joinpath("report.html").read_text("utf-8")
    return environment.from_string(source)
