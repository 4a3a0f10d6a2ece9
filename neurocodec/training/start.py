"""What is refused before any work, and the processes that the work is shared by."""

from collections.abc import Iterator
from contextlib import contextmanager

from neurocodec.networks import devices
from neurocodec.training import compilation, distributed, log, state
from neurocodec.training.config import Config


@contextmanager
def started(config: Config) -> Iterator[None]:
    """Around a training, its loading and measuring included.

    Raises:
        UsageError: the folder holds a training and `resume` is off, or `distributed.group` says so.
        MissingError: TensorBoard or a compiler is asked for and is not there.
        ToolError: another process of the training failed.
    """
    state.refuse_overwriting(config)
    log.require_board(config)
    with distributed.group(config):
        if config.compile:
            compilation.require(devices.resolve(config.device))
        yield
