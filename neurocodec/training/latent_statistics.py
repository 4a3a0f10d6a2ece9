"""The prediction and the density of SPIC's latents, fitted to those of training pictures."""

from collections.abc import Sequence

import torch
from torch import Tensor

from neurocodec.images import Image
from neurocodec.networks.density import step_of
from neurocodec.networks.latent_prediction import neighbours
from neurocodec.networks.spic import Spic, rounded
from neurocodec.networks.tensors import to_tensor
from neurocodec.training.report import Report

_QFS = (8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0, 128.0)
_BATCH = 16
_STEPS = 400
_LEARNING_RATE = 0.01
_RIDGE = 1e-3  # of the mean power of the neighbours: what tells nothing has no weight


@torch.no_grad()
def fit(network: Spic, images: Sequence[Image], device: torch.device, report: Report) -> None:
    """Fit `prediction` by least squares, then `density` by maximum likelihood.

    Args:
        network: whose latents are predicted.
        images: of one size; each is taken at one of some quality factors.
        device: that computes.
        report: for progress.
    """
    network.to(device).eval()
    report.status("reading latents")
    parts = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
    latents = torch.cat([network.latents(to_tensor(part, device)) for part in parts])
    qfs = torch.tensor(_QFS, device=device).repeat(-(-len(latents) // len(_QFS)))[: len(latents)]
    latents = rounded(latents, qfs)
    report.status("fitting the prediction of latents")
    network.prediction.keep(*_least_squares(latents))
    _fit_density(network, latents, step_of(qfs))
    network.complete()


def _least_squares(latents: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (C, neighbours · C) and bias (C,) of the prediction."""
    channels = latents.shape[1]
    size = neighbours(latents[:1]).shape[1] + 1
    products = torch.zeros(size, size, dtype=torch.float64, device=latents.device)
    targets = torch.zeros(size, channels, dtype=torch.float64, device=latents.device)
    for part in torch.split(latents, _BATCH):
        known = neighbours(part).movedim(1, -1).flatten(0, 2).double()
        known = torch.cat([known, known.new_ones(len(known), 1)], dim=1)
        products += known.T @ known
        targets += known.T @ part.movedim(1, -1).flatten(0, 2).double()
    ridge = _RIDGE * products.diagonal().mean() * torch.eye(size, device=latents.device)
    solved = torch.linalg.solve(products + ridge, targets).T
    return solved[:, :-1], solved[:, -1]


@torch.enable_grad()
def _fit_density(network: Spic, latents: Tensor, steps: Tensor) -> None:
    density = network.density.requires_grad_(True)
    adam = torch.optim.Adam(density.parameters(), _LEARNING_RATE)
    with torch.no_grad():
        left = torch.cat([part - network.prediction(part) for part in torch.split(latents, _BATCH)])
    draw = torch.Generator().manual_seed(0)
    for step in range(_STEPS):
        adam.param_groups[0]["lr"] = _LEARNING_RATE * (1 - step / _STEPS)
        drawn = torch.randint(len(left), (_BATCH,), generator=draw).to(left.device)
        bits = density.bits(left[drawn], steps[drawn])
        adam.zero_grad()
        # Each picture counts alike, whatever its quality factor.
        (bits / bits.detach().clamp_min(1)).mean().backward()  # type: ignore[no-untyped-call]
        adam.step()
    density.requires_grad_(False)
