"""λ and R̄ of codecs by known recognisers, measured once, and for others their mean.

They are in slopes.json beside this file, which also says how they were measured
(tests/benchmarks/fit_slopes.py).
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from neurocodec.errors import UsageError
from neurocodec.losses.recogniser_loss import RecogniserLoss
from neurocodec.measures.slope import Slope


def slopes(codec_name: str, losses: Mapping[str, RecogniserLoss]) -> dict[str, Slope]:
    """The slope of every recogniser; an unknown one has the mean of the known ones' of its task.

    Args:
        codec_name: a key of CODECS.
        losses: D_m by recogniser, each a task's default, of any temperature.

    Raises:
        UsageError: the codec's slopes were never measured for the task.
    """
    measured = [one for one in _measured() if one["codec"] == codec_name]
    if not measured:
        known = ", ".join(dict.fromkeys(one["codec"] for one in _measured()))
        raise UsageError(f"no λ is known for {codec_name}: the codecs with one are {known}")
    return {name: _slope(measured, loss) for name, loss in losses.items()}


def _slope(measured: Sequence[Mapping[str, Any]], loss: RecogniserLoss) -> Slope:
    of_task = [one for one in measured if one["task"] == loss.task]
    if not of_task:
        tasks = ", ".join(dict.fromkeys(one["task"] for one in measured))
        raise UsageError(f"no λ is known for {loss.task}: the tasks with one are {tasks}")
    its_own = [one for one in of_task if one["sha256"] == loss.model_sha256]
    fields = ("log_rate", "log_lmbda", "blank_loss")
    log_rate, log_lmbda, blank_loss = (
        np.mean([one[field] for one in its_own or of_task], axis=0).tolist() for field in fields
    )
    return Slope(log_rate, log_lmbda, blank_loss)


@lru_cache(maxsize=1)
def _measured() -> list[dict[str, Any]]:
    content = json.loads(files("neurocodec.losses").joinpath("slopes.json").read_text())
    slopes: list[dict[str, Any]] = content["slopes"]
    return slopes
