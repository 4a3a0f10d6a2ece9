"""The points as a table and as CSV."""

import csv
import io
from dataclasses import replace

from neurocodec.evaluation.selection import Curve
from neurocodec.report import points as module
from tests.evaluation.made import points

COMMANDS = ("neurocodec evaluate a", "neurocodec evaluate b")


def _curve(pre: str, command: str, scores: dict[str, float]) -> Curve:
    curve = points([0.5], [0.0], pre=pre, weights_sha256="0123456789")
    point = replace(curve.points[0], scores=scores, command=command, date="2025-01-31T12:00:00Z")
    return replace(curve, points=[point])


CURVES = [
    _curve("none", COMMANDS[0], {"kl": -0.5, "top5": 0.9}),
    _curve("blur", COMMANDS[1], {"kl": -0.6, "top1": 0.7}),
    _curve("tvl1", "", {"kl": -0.7, "top1": 0.6}),
]


def test_a_row_has_level_scores_and_origin_and_refers_to_its_command():
    table = module.tabulate(CURVES)
    rows = {
        label: dict(zip(table.columns, (cell.text for cell in cells), strict=True))
        for label, cells in table.rows
    }
    origin = {
        "encoder": "x265 4.1",
        "chroma": "420",
        "weights": "01234567",
        "date": "2025-01-31",
    }
    first = {"level": "QP 28", "bpp": "0.5000", "KL": "−0.5000", "top-1": "", "command": "1"}
    assert rows["bpg, none"] == first | origin
    assert (rows["bpg, blur"]["top-1"], rows["bpg, blur"]["command"]) == ("0.7000", "2")
    assert rows["bpg, tvl1"]["command"] == ""
    assert table.commands == list(COMMANDS)


def test_csv_has_every_field_and_score():
    rows = list(csv.DictReader(io.StringIO(module.as_csv(CURVES))))
    assert [row["pre"] for row in rows] == ["none", "blur", "tvl1"]
    assert (rows[0]["unit"], rows[0]["level"]) == ("qp", "28")
    assert (rows[0]["kl"], rows[0]["top5"], rows[0]["top1"]) == ("-0.5", "0.9", "")
    assert (rows[1]["command"], rows[1]["date"]) == (COMMANDS[1], "2025-01-31T12:00:00Z")
    assert rows[0]["weights_sha256"] == "0123456789"
