"""Tasks: what a recogniser is asked about a picture, and how its answer is scored."""

from neurocodec.tasks.task import TASKS, PictureScore, Task, create

__all__ = ["TASKS", "PictureScore", "Task", "create"]
