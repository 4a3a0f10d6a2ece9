"""The one training loop: steps, learning rate, mean of the weights, log, saving and resuming."""

import math
from collections.abc import Callable

import torch
from torch import nn

from neurocodec.training import state
from neurocodec.training.config import Config
from neurocodec.training.data import Crops
from neurocodec.training.log import Log
from neurocodec.training.state import Algorithm, Average, Progress, Record

_MAX_NORM = 1.0


def train(
    algorithm: Algorithm,
    crops: Crops,
    config: Config,
    report: Callable[[Record], None] = lambda record: None,
) -> Progress:
    """Train until `config` says stop; the weights and the state are in its folder then.

    Args:
        algorithm: what a step does.
        crops: the pictures.
        config: the rest.
        report: called with every line of the log.

    Raises:
        UsageError: the folder holds a training and `resume` is off, or it is on and there is none.
        BadInputError: the state, or a picture, cannot be read.
        OutputError: the folder cannot be written.
    """
    optimiser = torch.optim.Adam(algorithm.network.parameters(), lr=config.learning_rate)
    average = Average(algorithm.network, config.average)
    progress = state.resume(algorithm.network, optimiser, average, config)
    with Log(config, progress.steps, report) as log:
        while progress.share < 1:
            rate = _learning_rate(config, progress.share)
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.zero_grad(set_to_none=True)
            torch.manual_seed(hash((config.seed, progress.steps)))
            record = algorithm.gradients(crops.batch(progress.steps), progress.steps)
            norm = nn.utils.clip_grad_norm_(algorithm.network.parameters(), _MAX_NORM)
            optimiser.step()
            progress.steps += 1
            average.update(algorithm.network, progress.steps)
            log.add(progress, record | {"gradient_norm": float(norm), "learning_rate": rate})
            if config.validate_every and progress.steps % config.validate_every == 0:
                log.add(progress, algorithm.validate(average.network))
            if progress.steps % config.save_every == 0:
                state.save(algorithm, optimiser, average, progress, config)
        state.save(algorithm, optimiser, average, progress, config)
    return progress


def _learning_rate(config: Config, share: float) -> float:
    """Half a cosine from the first learning rate to the last."""
    fall = config.learning_rate - config.last_learning_rate
    return config.last_learning_rate + fall * (1 + math.cos(math.pi * share)) / 2
