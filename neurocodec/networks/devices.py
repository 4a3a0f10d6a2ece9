"""Where tensors live: the processor or a GPU."""

import torch

from neurocodec.errors import UsageError

DEVICES = ("auto", "cpu", "cuda")


def resolve(device: str) -> torch.device:
    """The torch device that `device` asks for.

    Args:
        device: "cpu", "cuda", or "auto", which is cuda where torch finds a GPU and else the cpu.

    Raises:
        UsageError: another name, or "cuda" where torch finds no GPU.
    """
    if device not in DEVICES:
        raise UsageError(f"no device is called {device!r}: the known ones are {', '.join(DEVICES)}")
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise UsageError(
            "device cuda: torch finds no GPU here; use --device cpu, or install an NVIDIA driver "
            "and a CUDA build of torch"
        )
    return torch.device("cuda" if device != "cpu" and has_gpu else "cpu")
