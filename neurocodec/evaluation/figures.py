"""Rate–accuracy curves drawn."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from neurocodec.errors import NotComparableError
from neurocodec.evaluation import bootstrap
from neurocodec.evaluation.labels import Label
from neurocodec.evaluation.selection import Curve
from neurocodec.measures.bd_rate import Array

AXES = {
    "top1": "top-1 accuracy",
    "map": "mean average precision",
    "miou": "mean IoU",
    "agreement": "agreement with the answer to the original",
    "kl": "minus KL to the answer to the original (nats)",
    "psnr_db": "PSNR (dB)",
    "ms_ssim": "MS-SSIM",
    "lpips": "minus LPIPS",
    "fsim": "FSIM",
}
_COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_SIZE_INCHES = (5.2, 4.4)
_PNG_DPI = 150
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "neurocodec",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
}


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure as files: its bytes as SVG and as PNG."""

    svg: bytes
    png: bytes


def draw(
    curves: Sequence[Curve],
    metric: str,
    title: str,
    label: Label,
    *,
    replicates: int,
    seed: int,
) -> Drawing:
    """The curves over one another: score over bpp, with the 95 % interval of every score.

    Args:
        curves: whose points have the metric; points without it are left out.
        metric: drawn upwards.
        title: over the figure.
        label: of a curve in the legend.
        replicates: of the bootstrap for the intervals; 0 draws none.
        seed: of the bootstrap.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot()
        for number, curve in enumerate(curves):
            shown = [p for p in curve.points if metric in p.scores]
            axes.errorbar(
                [point.bpp for point in shown],
                [point.scores[metric] for point in shown],
                yerr=_bars(curve, metric, replicates, seed),
                label=label(curve.setup),
                color=_COLOURS[number % len(_COLOURS)],
                marker=_MARKERS[number % len(_MARKERS)],
                markersize=5,
                linewidth=1.4,
                elinewidth=1,
                capsize=2.5,
            )
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("rate (bpp)")
        axes.set_ylabel(AXES.get(metric, metric))
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
        return Drawing(_saved(figure, "svg"), _saved(figure, "png"))


def _bars(curve: Curve, metric: str, replicates: int, seed: int) -> Array | None:
    """(2, K): how far the interval of every point goes below and above its score."""
    order = bootstrap.names(curve)
    complete = all(metric in point.scores for point in curve.points)
    if order is None or replicates == 0 or not complete:
        return None
    resamples = bootstrap.draw(len(order), replicates, seed)
    try:
        drawn = bootstrap.replicate(curve, metric, resamples, order).scores
    except NotComparableError:  # the picture lines do not tell this score
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
