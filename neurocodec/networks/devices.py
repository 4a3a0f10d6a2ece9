"""The device of tensors, the CPU or a GPU, and their memory."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from neurocodec.errors import UsageError

DEVICES = ("auto", "cpu", "cuda")
# <malloc.h>
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3


def resolve(device: str) -> torch.device:
    """Return the torch device of that name.

    Args:
        device: "cpu", "cuda", or "auto": cuda if torch finds a GPU, else the CPU.

    Raises:
        UsageError: another name, or "cuda" where torch finds no GPU.
    """
    if device not in DEVICES:
        raise UsageError(f"no device is called {device!r}: choose one of {', '.join(DEVICES)}")
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise UsageError(
            "--device cuda: torch finds no GPU: use --device cpu, or install an NVIDIA driver and "
            "a CUDA build of torch"
        )
    return torch.device("cuda" if device != "cpu" and has_gpu else "cpu")


def keep_memory() -> None:
    """Keep memory that torch frees for its next tensors, by glibc's thresholds where there are any.

    Every fresh page of a tensor costs a page fault, a quarter of npp-light's time, and in
    training more.
    """
    mallopt = sys.platform.startswith("linux") and getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        mallopt(_M_TRIM_THRESHOLD, 1 << 30)
        mallopt(_M_TOP_PAD, 64 << 20)


@contextmanager
def repeatable() -> Iterator[None]:
    """Compute on one thread, and exactly on a GPU: else sums change, and with them files."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_num_threads(before)
