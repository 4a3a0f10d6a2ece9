"""The one training loop: steps, learning rate, mean of the weights, log, saving and resuming.

Where several processes train together (distributed.py), every one of them goes through it.
"""

import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Protocol, TypeVar

import torch
from torch import nn

from neurocodec.training import distributed, state
from neurocodec.training.config import Config
from neurocodec.training.log import Log
from neurocodec.training.state import Algorithm, Average, Progress, Record

_MAX_NORM = 1.0
Batch = TypeVar("Batch")
Batch_co = TypeVar("Batch_co", covariant=True)


class Batches(Protocol[Batch_co]):
    """What is learnt from, batch by batch."""

    def batch(self, step: int) -> Batch_co:
        """Batch number `step`, the same whenever it is asked for."""


def train(
    algorithm: Algorithm[Batch],
    batches: Batches[Batch],
    config: Config,
    report: Callable[[Record], None] = lambda record: None,
) -> Progress:
    """Train until `config` says stop; the weights and the state are in its folder then.

    Args:
        algorithm: what a step does.
        batches: the pictures.
        config: the rest.
        report: called with every line of the log.

    Raises:
        UsageError: the folder holds a training and `resume` is off, or it is on and there is none,
            or that one had another aim.
        BadInputError: the state, or a picture, cannot be read.
        OutputError: the folder cannot be written.
    """
    network = algorithm.network
    learning = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(learning, lr=config.learning_rate)
    average = Average(network, config.average)
    progress = state.resume(algorithm, network, optimiser, average, config)
    if config.compile:
        network.compile()
    algorithm.network = distributed.parallel(network)
    first = distributed.is_first()
    with Log(config, progress.steps, report) if first else nullcontext() as log:
        while (share := distributed.agreed(progress.share)) < 1:
            rate = _learning_rate(config, share)
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.zero_grad(set_to_none=True)
            torch.manual_seed(hash((config.seed, progress.steps, distributed.rank())))
            record = algorithm.gradients(batches.batch(progress.steps), progress.steps)
            norm = nn.utils.clip_grad_norm_(network.parameters(), _MAX_NORM)
            optimiser.step()
            distributed.mean_buffers(network)
            progress.steps += 1
            average.update(network, progress.steps)
            record = distributed.mean(record)
            if log is None:
                continue
            log.add(progress, record | {"gradient_norm": float(norm), "learning_rate": rate})
            if config.validate_every and progress.steps % config.validate_every == 0:
                log.add(progress, algorithm.validate(average.network))
            if progress.steps % config.save_every == 0:
                state.save(algorithm, network, optimiser, average, progress, config)
        if first:
            state.save(algorithm, network, optimiser, average, progress, config)
    progress.stop()
    distributed.wait()
    return progress


def _learning_rate(config: Config, share: float) -> float:
    """Half a cosine from the first learning rate to the last."""
    fall = config.learning_rate - config.last_learning_rate
    return config.last_learning_rate + fall * (1 + math.cos(math.pi * share)) / 2
