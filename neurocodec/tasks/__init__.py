"""Tasks: what a recogniser predicts on an image, and how the prediction is scored."""

from neurocodec.tasks.task import (
    TASKS,
    Metric,
    PictureScore,
    Task,
    create,
    metrics,
    metrics_of,
    primary_metric,
)

__all__ = [
    "TASKS",
    "Metric",
    "PictureScore",
    "Task",
    "create",
    "metrics",
    "metrics_of",
    "primary_metric",
]
