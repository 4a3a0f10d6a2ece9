"""Weights of spic in files: untrained, tiny, with latents that are spread widely."""

from pathlib import Path

import torch

from neurocodec.networks import checkpoint
from neurocodec.networks.spic import Spic

CHANNELS, CLASSES = 5, 10


def spic_network(seed: int = 0, spread: float = 4.0) -> Spic:
    """A network whose latents have about this standard deviation on random pictures."""
    torch.manual_seed(seed)
    network = Spic(latents=CHANNELS, width=4, classes=CLASSES)
    with torch.no_grad():
        latents = network.analysis(torch.rand(4, 3, 64, 64))
        network.analysis.bottleneck.weight.mul_(spread / latents.std())
        network.analysis.bottleneck.bias.zero_()
    network.density.start_from(torch.full((CHANNELS,), spread))
    network.density.write_counts()
    network.prediction.keep(torch.randn(CHANNELS, 4 * CHANNELS) / 8, torch.randn(CHANNELS) / 4)
    return network


def spic(folder: Path, seed: int = 0) -> Path:
    """Write such a network."""
    path = folder / f"spic-{seed}.safetensors"
    path.write_bytes(checkpoint.dump(spic_network(seed), "spic", {}))
    return path
