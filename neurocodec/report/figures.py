"""Rate–accuracy curves drawn."""

import io
import textwrap
from collections.abc import Sequence
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from neurocodec.errors import NotComparableError
from neurocodec.evaluation import bootstrap
from neurocodec.evaluation.bd_rate import Estimation
from neurocodec.evaluation.selection import Curve
from neurocodec.measures.bd_rate import Array
from neurocodec.report.labels import Label, minus
from neurocodec.tasks import Metric

_COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_SIZE_INCHES = (5.2, 4.4)
_LEGEND_WIDTH = 36
_PNG_DPI = 150
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "neurocodec",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
}


def draw(
    curves: Sequence[Curve], metric: Metric, label: Label, estimation: Estimation
) -> tuple[bytes, bytes]:
    """Draw curves over one another: score over bpp, with the 95 % interval of every score.

    Args:
        curves: curves whose points have the metric; points without it are left out.
        metric: the upward axis.
        label: the name of a curve in the legend.
        estimation: the bootstrap for the intervals.

    Returns:
        The figure as SVG and as PNG.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot()
        for number, curve in enumerate(curves):
            shown = [p for p in curve.points if metric.name in p.scores]
            axes.errorbar(
                [point.bpp for point in shown],
                [point.scores[metric.name] for point in shown],
                yerr=_bars(curve, metric.name, estimation),
                label=textwrap.fill(label(curve.setup), _LEGEND_WIDTH),
                color=_COLOURS[number % len(_COLOURS)],
                marker=_MARKERS[number % len(_MARKERS)],
                markersize=5,
                linewidth=1.4,
                elinewidth=1,
                capsize=2.5,
            )
        axes.set_xlabel("rate (bpp)")
        axes.set_ylabel(minus(metric.axis_label))
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
        return _saved(figure, "svg"), _saved(figure, "png")


def _bars(curve: Curve, metric: str, estimation: Estimation) -> Array | None:
    """(2, K) lengths of every point's interval below and above its score."""
    complete = all(metric in point.scores for point in curve.points)
    if estimation.replicates == 0 or not complete or bootstrap.names(curve) is None:
        return None
    try:
        _, drawn = bootstrap.replicate(curve, metric, estimation.replicates, estimation.seed)
    except NotComparableError:  # the picture lines do not hold this score
        return None
    scores = [point.scores[metric] for point in curve.points]
    ends = np.array([bootstrap.interval(column) for column in drawn.T]).T
    lengths: Array = np.abs(ends - scores)
    return lengths


def _saved(figure: Figure, kind: Literal["svg", "png"]) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {}
    figure.savefig(buffer, format=kind, dpi=_PNG_DPI, metadata=metadata)
    return buffer.getvalue()
