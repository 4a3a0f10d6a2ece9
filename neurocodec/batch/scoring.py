"""Scores of decoded pictures: what recognisers predict, against their own on the clean picture."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import fmean
from typing import Any

from neurocodec import images, tasks
from neurocodec.batch.coding import GROUND, resized
from neurocodec.batch.targets import KL, Target
from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.tasks import PictureScore

Scores = Sequence[PictureScore]
"""One picture's score by each recogniser."""


class Panel:
    """The recognisers of a target, and its quantity by them.

    Args:
        target: a score.
        device: "cpu", "cuda" or "auto".

    Raises:
        UsageError: no recogniser, one of another task, or a task without this score.
        MissingError: a recogniser's weights cannot be had.
        BadInputError: its file is damaged.
    """

    def __init__(self, target: Target, device: str) -> None:
        check(target)
        self._quantity = target.quantity
        self._tasks = [tasks.create(target.task, model, device) for model in target.models]

    def predict(self, image: Image) -> list[Any]:
        """Each recogniser's prediction on a picture, transparency laid over white."""
        flat = images.flatten(image, GROUND)
        return [task.predict([flat])[0] for task in self._tasks]

    def score(self, clean: Sequence[Any], decoded: Image, original: Image) -> list[PictureScore]:
        """Score a decoded picture by each recogniser.

        Args:
            clean: from `predict`, on the original.
            decoded: brought to the original's size, if a filter scaled it.
            original: the clean picture.
        """
        flat = images.flatten(decoded, GROUND)
        seen = self.predict(resized(flat, original.width, original.height))
        rows = zip(self._tasks, seen, clean, strict=True)
        return [task.score(prediction, known, None) for task, prediction, known in rows]

    def value(self, pictures: Sequence[Scores]) -> float:
        """The target's quantity over a set of pictures: the mean over the recognisers.

        Raises:
            UsageError: a recogniser finds nothing in the clean pictures, so that it has no score.
        """
        by_task = zip(self._tasks, zip(*pictures, strict=True), strict=True)
        return fmean(
            quantity_of(task.score_set(scores), self._quantity, task.model)
            for task, scores in by_task
        )


@lru_cache(maxsize=2)
def panel(target: Target, device: str) -> Panel:
    """The panel of a target, loaded once for all that this process does with it."""
    return Panel(target, device)


def check(target: Target) -> None:
    """Refuse a score that cannot be measured, before anything is loaded.

    Raises:
        UsageError: no recogniser is named, or the task does not have this score.
    """
    known = {metric.name for metric in tasks.metrics_of(target.task)}
    if target.quantity not in known:
        raise UsageError(f"--task {target.task} has no {target.quantity}: give another --task")
    if not target.models:
        raise UsageError(f"{target.quantity} needs a recogniser: add --model NAME or --model FILE")


def quantity_of(scores: Mapping[str, float], quantity: str, model: str) -> float:
    """A recogniser's agreement, or its KL in nats, from a task's scores of a set of pictures.

    Raises:
        UsageError: it finds nothing in the clean pictures, so that it has no score.
    """
    if quantity not in scores:
        raise UsageError(f"{model} finds nothing in the original: no level can be told by it")
    return 0.0 - scores[quantity] if quantity == KL else scores[quantity]
