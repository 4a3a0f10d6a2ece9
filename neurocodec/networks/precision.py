"""Where networks compute in bfloat16, and where they never do."""

import torch
from torch import Tensor

Precision = torch.autocast


def precision(device: torch.device, *, amp: bool) -> Precision:
    """A context, to be entered as often as one likes: bfloat16 where torch's rules allow it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=amp)


def exactly(x: Tensor) -> Precision:
    """A context for what makes pixels: float32 whatever is around it.

    bfloat16 has 8 bits: it would add noise of a whole level to a picture of 8 bits.
    """
    return torch.autocast(x.device.type, enabled=False)
