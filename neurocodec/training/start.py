"""Checks before training, and the process group."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from neurocodec import files
from neurocodec.errors import MissingError, OutputError, UsageError
from neurocodec.networks import checkpoint, devices
from neurocodec.networks.checkpoint import Network
from neurocodec.training import distributed, log, state
from neurocodec.training.config import Config

_LEAST_ROOM_BYTES = 1 << 20


def weights_of(
    named: str, expected: type[Network], noun: str, chosen: Mapping[str, Any]
) -> Network:
    """The network that a training begins with, which must be of the size that was chosen.

    Args:
        named: name or file of the weights.
        expected: the class of the network.
        noun: how messages refer to it.
        chosen: arguments of its constructor by the names of their options.

    Raises:
        UsageError: it is another network, or one of another size.
        MissingError: no such weights or file.
        BadInputError: the file is damaged.
    """
    network, _ = checkpoint.read(named, expected, noun)
    config: Any = network.config
    for option, value in chosen.items():
        present = config[option]
        if present != value:
            name = files.display(named)
            raise UsageError(f"{name}: has {option} {present}: leave out --{option}")
    return network


@contextmanager
def started(config: Config) -> Iterator[None]:
    """Around a training, with its loading and measuring.

    Raises:
        UsageError: the folder holds a training and `resume` is off, or from `distributed.group`.
        OutputError: a folder cannot be written to.
        MissingError: TensorBoard or a compiler is needed and is not installed.
        ToolError: another process of the training failed.
    """
    state.refuse_overwriting(config)
    log.require_board(config)
    with distributed.group(config):
        if distributed.is_first():
            _require_room(config.output, "-o")
            if config.log_dir is not None:
                _require_room(config.log_dir, "--log-dir")
        if config.compile:
            _require_compiler(devices.resolve(config.device))
        yield


def _require_room(folder: Path, option: str) -> None:
    """Write a nameless file in the folder, or in the nearest one above it that exists."""
    try:
        nearest = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(bytes(_LEAST_ROOM_BYTES))
            file.flush()
    except OSError as exc:
        raise OutputError(
            f"{files.display(folder)}: cannot be written ({exc.strerror}): free some space, or "
            f"name another folder with {option}"
        ) from exc


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
