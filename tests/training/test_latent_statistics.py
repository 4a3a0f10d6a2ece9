"""What the entropy coder goes by, fitted to latents that are known."""

import torch

from neurocodec.networks.density import step_of
from neurocodec.networks.spic import rounded
from neurocodec.training import latent_statistics
from neurocodec.training.report import Report
from tests.conftest import picture
from tests.networks.spic_files import spic_network

CPU = torch.device("cpu")


def test_weights_are_those_that_made_the_latents():
    """Every place is half of the one above of the other channel, and a little noise."""
    torch.manual_seed(0)
    latents = torch.randn(40, 2, 12, 12)
    for row in range(1, 12):
        latents[:, :, row] = 0.5 * latents[:, :, row - 1].flip(1) + 0.1 * latents[:, :, row]

    weights, bias = latent_statistics._least_squares(latents)

    expected = torch.zeros(2, 4, 2)
    expected[0, 1, 1] = expected[1, 1, 0] = 0.5
    assert torch.allclose(weights, expected.flatten(1).double(), atol=0.1)
    assert bias.abs().max() < 0.05


def test_fitted_latents_need_fewer_bits():
    """Smooth pictures have latents that neighbours tell of."""
    network = spic_network()
    network.prediction.keep(torch.zeros(5, 20), torch.zeros(5))
    images = [picture(128, 128, seed=seed) for seed in range(12)]
    qf = torch.full((12,), 64.0)

    def bits():
        latents = rounded(network.latents(latent_statistics.to_tensor(images)), qf)
        return float(network.density.bits(latents - network.prediction(latents), step_of(qf)).sum())

    with torch.no_grad():
        before = bits()
        latent_statistics.fit(network, images, CPU, Report())
        assert bits() < 0.9 * before
