"""The device of tensors: the CPU or a GPU."""

import torch

from neurocodec.errors import UsageError

DEVICES = ("auto", "cpu", "cuda")


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
