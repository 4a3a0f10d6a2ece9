"""Checks before training, and the process group."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from neurocodec.errors import MissingError
from neurocodec.networks import devices
from neurocodec.training import distributed, log, state
from neurocodec.training.config import Config


@contextmanager
def started(config: Config) -> Iterator[None]:
    """Around a training, with its loading and measuring.

    Raises:
        UsageError: the folder holds a training and `resume` is off, or from `distributed.group`.
        MissingError: TensorBoard or a compiler is needed and is not installed.
        ToolError: another process of the training failed.
    """
    state.refuse_overwriting(config)
    log.require_board(config)
    with distributed.group(config):
        if config.compile:
            _require_compiler(devices.resolve(config.device))
        yield


def _require_compiler(device: torch.device) -> None:
    """Compile a network of one function, so that a missing compiler is reported before any work."""
    probe = nn.Tanh()
    probe.compile()
    try:
        probe(torch.zeros(8, device=device))
    except Exception as exc:  # of many libraries, without a common base
        reason = " ".join(str(exc).split())[:200]
        raise MissingError(
            f"--compile: torch cannot compile here ({reason}): install a C++ compiler (g++), on a "
            "GPU Triton too, or leave out --compile"
        ) from exc
