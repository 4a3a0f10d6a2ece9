"""One training in several processes, as torchrun starts them: a GPU each, or CPU cores.

    torchrun --nproc-per-node 2 -m neurocodec train-npp …

Every process takes its share of each batch, and DistributedDataParallel gives all of them the mean
of their gradients; so all make the same step, which is that of one process with the full batch.
Random draws are made for the full batch by all alike. The first process alone writes.

Batch normalisation normalises by a process's own pictures, as it does by a micro-batch in one
process; its running statistics are the mean over the processes after every step.
"""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed, nn

from neurocodec import tools
from neurocodec.errors import MissingError, ToolError, UsageError
from neurocodec.networks import devices
from neurocodec.training.config import Config

Value = TypeVar("Value")
Items = TypeVar("Items", bound=Sequence[object])

# The first process measures λ and validates while the others wait.
_TIMEOUT = timedelta(hours=2)


@contextmanager
def group(config: Config) -> Iterator[None]:
    """Join the processes that torchrun started; with one process nothing happens.

    On CUDA each process computes on the GPU of its place on the machine, which is what the device
    "cuda" means within the block.

    Raises:
        UsageError: not started by torchrun, a batch that cannot be shared evenly, too few GPUs.
        MissingError: the others cannot be reached.
        ToolError: another process failed.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield
        return
    if config.batch % count:
        raise UsageError(
            f"--batch {config.batch} is shared by {count} processes: make it a multiple of {count}"
        )
    tools.die_with_parent()
    has_gpu = devices.resolve(config.device).type == "cuda"
    if has_gpu:
        _take_gpu(int(os.environ.get("LOCAL_RANK", "0")))
    _join("cpu:gloo,cuda:nccl" if has_gpu else "gloo")
    try:
        yield
    except RuntimeError as exc:
        if not _is_of_the_group(exc):
            raise
        raise ToolError(
            "another process of this training ended: its own message says why, "
            "and --resume goes on from the last state"
        ) from exc
    # Not after an error: the others would be waited for.
    distributed.destroy_process_group()


def processes() -> int:
    """Number of processes."""
    return distributed.get_world_size() if _is_shared() else 1


def rank() -> int:
    """Number of this process, from 0."""
    return distributed.get_rank() if _is_shared() else 0


def is_first() -> bool:
    """True in the process that writes."""
    return rank() == 0


def share(batch: Items) -> Items:
    """This process's part of the places, pictures or draws of a full batch."""
    size = len(batch) // processes()
    part: Items = batch[rank() * size : (rank() + 1) * size]  # type: ignore[assignment]
    return part


def anywhere(flag: bool) -> bool:
    """`flag` of any process."""
    return mean({"flag": float(flag)})["flag"] > 0


def by_first(make: Callable[[], Value]) -> Value:
    """The result of `make`, which the first process alone calls; the others wait for it."""
    if not _is_shared():
        return make()
    values: list[Value | None] = [make() if is_first() else None]
    distributed.broadcast_object_list(values, src=0, device=torch.device("cpu"))
    return values[0]  # type: ignore[return-value]


def mean(record: Mapping[str, float]) -> dict[str, float]:
    """The mean over the processes of what each measured on its share."""
    if not _is_shared():
        return dict(record)
    values = torch.tensor(list(record.values()), dtype=torch.float64)
    distributed.all_reduce(values)
    return dict(zip(record, (values / processes()).tolist(), strict=True))


def parallel(network: nn.Module) -> nn.Module:
    """`network` so that a backward pass leaves the mean of all processes' gradients in it.

    It holds `network` and shares its parameters. Buffers are left alone: writing them in every
    forward pass would spoil the graphs of those before it in a step.
    """
    if not _is_shared():
        return network
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the option's new name is not in torch 2.4
        return nn.parallel.DistributedDataParallel(network, broadcast_buffers=False)


@torch.no_grad()
def mean_buffers(network: nn.Module) -> None:
    """Make running statistics their mean over the processes."""
    if not _is_shared():
        return
    for buffer in network.buffers():
        if buffer.is_floating_point():
            distributed.all_reduce(buffer)
            buffer /= processes()


def wait() -> None:
    """Wait until all processes are here, so that the others see what the first has written."""
    if _is_shared():
        by_first(lambda: None)


def _is_shared() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _take_gpu(place: int) -> None:
    gpus = torch.cuda.device_count()
    if place >= gpus:
        raise UsageError(
            f"process {place + 1} of this machine has no GPU of its own, there being {gpus}: "
            f"start with --nproc-per-node {gpus}, or add --device cpu"
        )
    torch.cuda.set_device(place)


def _join(backend: str) -> None:
    try:
        distributed.init_process_group(backend, timeout=_TIMEOUT)
    except ValueError as exc:
        raise UsageError(
            f"WORLD_SIZE is above 1 without torchrun ({exc}): start with torchrun "
            "--nproc-per-node N -m neurocodec, or unset WORLD_SIZE"
        ) from exc
    except RuntimeError as exc:
        reason = " ".join(str(exc).split())[:200]
        raise MissingError(f"the other processes cannot be reached ({reason})") from exc


def _is_of_the_group(exc: RuntimeError) -> bool:
    return isinstance(exc, distributed.DistError) or "gloo" in str(exc).lower()
