"""The measured points as a table, as CSV, and as CompressAI's JSON."""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

from neurocodec.evaluation.results import Setup
from neurocodec.evaluation.selection import UNFILTERED, Curve
from neurocodec.report import comparisons
from neurocodec.report.labels import CODING, among, heading, minus, shortened
from neurocodec.report.tables import Cell, Table

_TELLING = ("task", "model", "data", "model_sha256", "pictures_sha256", *CODING)
_COMPRESSAI = {"psnr_db": "psnr-rgb", "ms_ssim": "ms-ssim-rgb"}


@dataclass(frozen=True)
class Points(Table):
    """The points of one subject, and the command lines that rows refer to by their number."""

    commands: Sequence[str]


def tabulate(curves: Sequence[Curve]) -> Points:
    """Lay out the points of the curves of one subject."""
    shown = comparisons.metrics(curves)
    commands = list(dict.fromkeys(p.command for c in curves for p in c.points if p.command))
    titles = [metric.title for metric in shown]
    columns = ["level", "bpp", *titles, "encoder", "chroma", "weights", "date", "command"]
    rows = []
    for setup, point in ((curve.setup, point) for curve in curves for point in curve.points):
        scores = (point.scores.get(metric.name) for metric in shown)
        row = [str(point.level), f"{point.bpp:.4f}"]
        row += ["" if score is None else minus(f"{score:.4f}") for score in scores]
        row += [setup.encoder, setup.chroma, shortened(setup.weights_sha256), point.date[:10]]
        row.append(str(commands.index(point.command) + 1) if point.command else "")
        rows.append((f"{setup.codec}, {setup.pre}", list(map(Cell, row))))
    return Points(heading(curves[0].setup), "codec, filter", columns, rows, commands)


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
        level = point.level
        values = [point.scores.get(name, "") for name in scores]
        row = [*setup, level.unit, level.value, point.bpp, *values, point.date, point.command]
        writer.writerow(row)
    return buffer.getvalue()


def compressai_json(curve: Curve) -> str:
    """The curve in the format of `python -m compressai.utils.plot -f`.

    "results" has "bpp" and every score that all points have, from fewest to most bits; psnr_db and
    ms_ssim have CompressAI's names.
    """
    setup = curve.setup
    shared = [n for n in curve.points[0].scores if all(n in p.scores for p in curve.points)]
    scores = {_COMPRESSAI.get(n, n): [p.scores[n] for p in curve.points] for n in shared}
    record = {
        "name": setup.codec if setup.pre == UNFILTERED else f"{setup.codec}, {setup.pre}",
        "description": f"{heading(setup)}; {setup.encoder}, {setup.chroma}",
        "results": {"bpp": [point.bpp for point in curve.points], **scores},
    }
    return json.dumps(record, indent=2) + "\n"


def file_names(curves: Sequence[Curve]) -> list[str]:
    """A unique file name for every curve."""
    label = among((curve.setup for curve in curves), ("codec", "pre"), _TELLING)
    stems = [re.sub(r"[^\w.=-]+", "-", label(curve.setup)) for curve in curves]
    return [f"{stem}.json" for stem in stems]
