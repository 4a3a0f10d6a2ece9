"""torch.compile, where it can."""

import torch
from torch import nn

from neurocodec.errors import MissingError


def require(device: torch.device) -> None:
    """Compile a network of nothing, so that what is missing is said before any work.

    Raises:
        MissingError: torch cannot compile here.
    """
    probe = nn.Tanh()
    probe.compile()
    try:
        probe(torch.zeros(8, device=device))
    except Exception as exc:  # of many libraries, and without a base of their own
        reason = " ".join(str(exc).split())[:200]
        raise MissingError(
            f"--compile: torch cannot compile here ({reason}): install a C++ compiler (g++), on a "
            "GPU Triton too, or leave out --compile"
        ) from exc
