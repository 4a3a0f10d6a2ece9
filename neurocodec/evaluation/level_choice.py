"""The level that serves a whole folder: a search over levels, each measured on every picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from neurocodec import tasks
from neurocodec.batch import coding, scoring, targets
from neurocodec.batch.coding import OperatingPoint
from neurocodec.batch.engines.local import Local, share_cores
from neurocodec.batch.targets import Choice, Target
from neurocodec.codecs import Level
from neurocodec.evaluation import bootstrap
from neurocodec.evaluation.curves import Experiment, Measurement, measure_all
from neurocodec.evaluation.selection import gather
from neurocodec.pipeline import Setting, prepared
from neurocodec.tasks.datasets import DataSet

REPLICATES = 1000
SEED = 0


@dataclass(frozen=True)
class ServingLevel:
    """The level that serves a set of pictures.

    Attributes:
        choice: the level, and what was measured there.
        bpp: total bits over total pixels.
        interval: the middle 95 % of the score by bootstrap over pictures.
        pictures: how many.
        levels_measured: how many levels were tried.
    """

    choice: Choice
    bpp: float
    interval: tuple[float, float]
    pictures: int
    levels_measured: int


def choose(
    data: DataSet,
    setting: Setting,
    target: Target,
    *,
    cache: bool = True,
    jobs: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> ServingLevel:
    """Find the level of the fewest bits at which the mean over the recognisers reaches a score.

    Args:
        data: the pictures; their labels do not count.
        setting: codec and filter.
        target: a score, with its recognisers.
        cache: coded files serve later runs.
        jobs: worker processes that encode and decode.
        advance: called for every level measured.

    Raises:
        NeurocodecError: a picture could not be read, coded or recognised.
    """
    share_cores(jobs)
    recognisers = [tasks.create(target.task, model, setting.device) for model in target.models]
    pictures = [replace(picture, ground_truth=None) for picture in data.pictures]
    with coding.kept(cache) as folder, Local(jobs) as engine:
        experiments = [Experiment(data.name, pictures, r, folder, jobs) for r in recognisers]

        def measure(point: OperatingPoint) -> list[Measurement]:
            advance()
            return list(measure_all(experiments, [point], engine=engine))

        return _choose(setting, target, measure)


def _choose(
    setting: Setting, target: Target, measure: Callable[[OperatingPoint], list[Measurement]]
) -> ServingLevel:
    """Choose by a function from a point to what each recogniser makes of it."""
    measured: dict[Level, list[Measurement]] = {}

    def value(level: Level) -> float:
        measured[level] = measure(OperatingPoint(setting, level))
        return fmean(
            scoring.quantity_of(point.scores, target.quantity, point.setup.model)
            for point, _ in measured[level]
        )

    choice = targets.choose(prepared(setting), target, value)
    point, pictures = measured[choice.level][0]
    interval = _interval(measured[choice.level], target)
    return ServingLevel(choice, point.bpp, interval, len(pictures), len(measured))


def _interval(measured: Sequence[Measurement], target: Target) -> tuple[float, float]:
    """The interval of the mean over the recognisers, all redrawn with the same pictures."""
    sign = -1 if target.quantity == targets.KL else 1
    curves = [curve for point, lines in measured for curve in gather([point, *lines])]
    redrawn = [bootstrap.replicate(c, target.quantity, REPLICATES, SEED)[1] for c in curves]
    means = sign * np.mean(redrawn, axis=0)[:, 0]
    return bootstrap.interval(means[~np.isnan(means)])
