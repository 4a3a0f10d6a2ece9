"""The training loop: steps, learning rate, EMA, log, saving and resuming.

Where several processes train together (distributed.py), every one of them goes through it.
"""

import math
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import nn

from neurocodec.errors import NeurocodecError, ToolError
from neurocodec.training import distributed, signals
from neurocodec.training.config import Config
from neurocodec.training.log import Log
from neurocodec.training.report import Record, Report
from neurocodec.training.state import Algorithm, Progress, State, begin
from neurocodec.training.validation import Scores

_MAX_NORM = 1.0
Batch = TypeVar("Batch")
Batch_co = TypeVar("Batch_co", covariant=True)


class Batches(Protocol[Batch_co]):
    """Training data, batch by batch."""

    def batch(self, step: int) -> Batch_co:
        """Batch number `step`; the same at every call."""


@dataclass(frozen=True)
class Trained:
    """Result of a training; the scores are empty but in the first process."""

    weights: Path
    progress: Progress
    scores: Scores


def train(
    algorithm: Algorithm[Batch],
    batches: Batches[Batch],
    config: Config,
    report: Report | None = None,
) -> Trained:
    """Train until `config` says stop, and score the weights; all is in the folder then.

    A signal that ends the process saves the state first.

    Raises:
        UsageError: as from `state.begin`.
        BadInputError: the state, or every picture, cannot be read.
    """
    report = report or Report()
    state = begin(algorithm, config)
    progress = state.progress
    if config.compile:
        algorithm.network.compile()
    step = replace(algorithm, network=distributed.parallel(algorithm.network))
    report.status(f"training: step {progress.steps + 1}")
    scores, stopped = Scores(), False
    with Log(config, progress, report) if distributed.is_first() else nullcontext() as log:
        with signals.deferred() as received:
            # Clocks differ, and all processes must stop at the same step: the first one's counts.
            while (share := distributed.by_first(lambda: progress.share)) < 1:
                record = _step(step, batches, state, share)
                if log is not None:
                    log.add(record | {"minutes_left": round(progress.minutes_left, 4)})
                    if config.validate_every and progress.steps % config.validate_every == 0:
                        scores = _validated(state, report)
                        log.add(scores.record, scores.remarks)
                    if progress.steps % config.save_every == 0:
                        state.save()
                stopped = distributed.anywhere(bool(received))
                if stopped:
                    break
            if log is not None:
                state.save()
        if stopped:
            raise ToolError("another process of this training was stopped: --resume goes on")
        progress.stop()
        if log is not None:
            scores = _validated(state, report)
            log.add(scores.record, scores.remarks)
    distributed.wait()
    return Trained(Path(state.weights), progress, scores)


def _step(algorithm: Algorithm[Any], batches: Batches[Any], state: State, share: float) -> Record:
    """One step of the optimiser, and what was measured on the way."""
    config, network, steps = state.config, state.algorithm.network, state.progress.steps
    start = time.monotonic()
    rate = _learning_rate(config, share)
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    state.optimiser.zero_grad(set_to_none=True)
    torch.manual_seed(hash((config.seed, steps, distributed.rank())))
    record = algorithm.gradients(batches.batch(steps), steps)
    norm = nn.utils.clip_grad_norm_(network.parameters(), _MAX_NORM)
    state.optimiser.step()
    distributed.mean_buffers(network)
    state.progress.steps += 1
    state.ema.update_parameters(network)
    return distributed.mean(record) | {
        "gradient_norm": float(norm),
        "learning_rate": rate,
        "pictures_per_s": round(config.batch / (time.monotonic() - start), 3),
    }


def _validated(state: State, report: Report) -> Scores:
    """The scores of the EMA on the pictures kept apart, or why there are none."""
    report.status("measuring on the pictures kept apart")
    try:
        return state.algorithm.validate(state.ema.module)
    except NeurocodecError as exc:
        return Scores(remarks=(f"no BD-rate: {exc}",))


def _learning_rate(config: Config, share: float) -> float:
    """Half a cosine from the first learning rate to the last."""
    fall = config.learning_rate - config.last_learning_rate
    return config.last_learning_rate + fall * (1 + math.cos(math.pi * share)) / 2
