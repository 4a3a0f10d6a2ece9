"""The prediction of DIC's bits, fitted to what its encoder makes of training pictures."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from neurocodec.images import Image
from neurocodec.networks.bit_predictor import Weights
from neurocodec.networks.dic import BITS, Dic
from neurocodec.networks.tensors import to_tensor
from neurocodec.training.report import Report

_BATCH = 8
_STEPS = 200
_LEARNING_RATE = 0.01
_DECAY = 1e-4  # of weights that tell nothing


def fit(network: Dic, images: Sequence[Image], device: torch.device, report: Report) -> None:
    """Fit the network's `predictor`: maximum likelihood, an iteration after the other.

    Args:
        network: whose bits are predicted.
        images: of one size, its sides multiples of 16.
        device: that computes.
        report: for progress.
    """
    network.to(device).eval()
    count = network.config["iterations"]
    report.status("reading bits")
    bits = torch.cat(
        [
            network.encode(to_tensor(images[start : start + _BATCH], device), count)
            for start in range(0, len(images), _BATCH)
        ],
        dim=1,
    )
    before = torch.zeros_like(bits[0], dtype=torch.float32)
    for iteration in report.tracked(range(count), count, "fitting the prediction of bits"):
        signs = 2 * bits[iteration].float() - 1
        network.predictor.keep(iteration, _fitted(before, signs))
        before = signs


def _fitted(before: Tensor, bits: Tensor) -> Weights:
    """The weights, in nats, by which bits, (N, 32, H, W), −1 or 1, are likeliest."""
    shapes = ((BITS, BITS, 3, 3), (BITS, BITS, 3, 3), (BITS, 4), (2, BITS))
    values = [torch.zeros(shape, device=bits.device, requires_grad=True) for shape in shapes]
    weights, adam = Weights(*values), torch.optim.AdamW(values, _LEARNING_RATE, weight_decay=_DECAY)
    parts = range(0, len(bits), _BATCH)
    for step in range(_STEPS):
        start = parts[step % len(parts)]
        part = slice(start, start + _BATCH)
        logits = weights.logits(before[part], bits[part])
        loss = functional.softplus(-logits * bits[part]).mean()
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
    return weights
