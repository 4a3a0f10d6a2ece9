"""Metrics: what a task's scores are called, and how a report shows them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A score that a task computes; the higher, the better.

    Attributes:
        name: its key in results.
        title: the heading of a column.
        axis_label: the label of a plot's axis, with the unit.
        percent: the score is in [0, 1] and reads well in per cent.
        compared: curves are plotted and compared by it; other metrics are only recorded.
        primary: it stands for its task where there is room for one metric.
        absent: why a result may lack it, for a table's cell.
    """

    name: str
    title: str
    axis_label: str
    percent: bool = False
    compared: bool = True
    primary: bool = False
    absent: str = "not measured"


AGREEMENT = Metric(
    "agreement", "agreement", "agreement with the prediction on the original", percent=True
)
"""The score against the predictions on the original images, for data without labels."""
