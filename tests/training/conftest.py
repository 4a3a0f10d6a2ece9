"""Pictures and a recogniser small enough to train with in a test."""

import pytest
import torch
from torch import nn

from neurocodec import images
from neurocodec.losses.classification import kl_divergence
from tests.conftest import picture


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of eight made pictures."""
    path = tmp_path_factory.mktemp("pictures")
    for seed in range(8):
        made = picture(72 + 4 * seed, 80, seed=seed)
        (path / f"{seed}.png").write_bytes(images.png(made))
    return path


class SmallDistance:
    """KL of a random classifier of a few weights."""

    def __init__(self):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.network = nn.Sequential(
                nn.Conv2d(3, 8, 5, stride=4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10)
            )
            self.network(torch.rand(1, 3, 64, 64))
        self.network.requires_grad_(False)

    @torch.no_grad()
    def answer(self, clean):
        return 20 * self.network(clean)

    def __call__(self, answer, decoded):
        return kl_divergence(answer, 20 * self.network(decoded))


@pytest.fixture
def distance():
    return SmallDistance()
