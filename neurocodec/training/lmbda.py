"""λ(QP) and the mean rate R̄(QP) of a training: measured, typed, or those of the resumed one."""

import math

import numpy as np

from neurocodec.errors import BadInputError, NotComparableError, UsageError
from neurocodec.images import Image
from neurocodec.measures import slope
from neurocodec.measures.slope import QPS, Slope
from neurocodec.training import distributed, state
from neurocodec.training.codec_pool import coded_in_turn
from neurocodec.training.scoring import per_picture
from neurocodec.training.workbench import Workbench

SLOPE = "slope"
_PICTURES = 64
_BATCH = 8
_GRAY = 128
_FORM = "write 1.5, or 28=8,34=2,41=0.5"


def slopes(bench: Workbench, lmbda: str) -> dict[str, Slope]:
    """The slope of every recogniser, measured by the first process or that of a resumed training.

    Args:
        bench: codec, recognisers and pictures.
        lmbda: "slope" for the codec's, a number, or QP=λ pairs with commas between them; between
            their QPs log λ is the straight line that fits them best.

    Raises:
        UsageError: `lmbda` cannot be read, or the pictures show no slope.
        BadInputError: no picture can be read.
    """
    line = None if lmbda == SLOPE else typed(lmbda)
    before = state.aim(bench.config).get("slopes")
    if before is not None:
        return {name: Slope(**slope) for name, slope in before.items()}
    return distributed.by_first(lambda: measure(bench, line))


def measure(bench: Workbench, line: list[float] | None = None) -> dict[str, Slope]:
    """Measure the plain codec on training pictures; λ too, unless `line` has log λ."""
    images = bench.centres(bench.pictures.training[:_PICTURES])
    if not images:
        raise BadInputError("none of the training pictures can be read: name another --data")
    bpp: dict[int, list[float]] = {qp: [] for qp in QPS}
    losses: dict[str, dict[int, list[float]]] = {n: {qp: [] for qp in QPS} for n in bench.losses}
    parts = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
    tasks = [(qp, part) for qp in QPS for part in parts]
    results = zip(tasks, coded_in_turn(bench.pool, tasks), strict=True)
    text = "measuring the rate–distortion slope"
    for (qp, part), coded in bench.report.tracked(results, len(tasks), text):
        bpp[qp] += [one.bpp for one in coded]
        for name, loss in bench.losses.items() if line is None else ():
            decoded = [one.image for one in coded]
            losses[name][qp] += per_picture(loss, part, decoded, bench.device)
    rates = [float(np.mean(bpp[qp])) for qp in QPS]
    if line is not None:
        return dict.fromkeys(bench.losses, Slope(slope.fit_rate(QPS, rates), line))
    blank = [Image(np.full_like(image.pixels, _GRAY)) for image in images]
    try:
        return {
            name: slope.fit(
                QPS,
                rates,
                [float(np.mean(of_qp)) for of_qp in losses[name].values()],
                float(np.mean(per_picture(loss, images, blank, bench.device))),
            )
            for name, loss in bench.losses.items()
        }
    except NotComparableError as exc:
        raise UsageError(f"{exc}: name other --data, or type --lmbda") from exc


def typed(text: str) -> list[float]:
    """The coefficients of log λ(QP) that `--lmbda` says.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        pairs = [pair.split("=") for pair in text.split(",")]
        if pairs == [[text]]:
            line = [math.log(float(text))]
        else:
            qps = [float(qp) for qp, _ in pairs]
            logs = [math.log(float(lmbda)) for _, lmbda in pairs]
            line = np.polyfit(qps, logs, min(1, len(pairs) - 1)).tolist()
    except (ValueError, TypeError):
        raise UsageError(f"cannot read λ {text!r}: {_FORM}") from None
    if not all(math.isfinite(coefficient) for coefficient in line):
        raise UsageError(f"λ must be finite, not {text!r}: {_FORM}")
    return line
