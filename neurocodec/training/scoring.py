"""D_m of many pictures by a recogniser."""

from collections.abc import Sequence

import torch

from neurocodec.images import Image
from neurocodec.losses import RecogniserLoss
from neurocodec.networks.tensors import to_tensor
from neurocodec.training.crops import ground_truth_of

_BATCH = 8


@torch.no_grad()
def per_picture(
    loss: RecogniserLoss, clean: Sequence[Image], decoded: Sequence[Image], device: torch.device
) -> list[float]:
    """D_m of every picture; all are of one size, and the clean ones carry the ground truth."""
    values: list[float] = []
    for start in range(0, len(clean), _BATCH):
        part = slice(start, start + _BATCH)
        target = loss.target(to_tensor(clean[part], device), ground_truth_of(clean[part]))
        values += loss(target, to_tensor(decoded[part], device)).tolist()
    return values
