"""The density of SPIC's latents: bits that are probabilities, and the counts of the coder."""

import math

import numpy as np
import pytest
import torch

from neurocodec.networks import density as module
from neurocodec.networks.density import FINEST, REACH, Density
from neurocodec.networks.expectation import Expectation
from neurocodec.networks.latent_prediction import LatentPrediction, neighbours


def largest(qf):
    return int(module.largest(torch.tensor(float(qf))))


QFS = (1, 3, 4, 17, 48, 127, 128)


@pytest.fixture
def density():
    torch.manual_seed(0)
    made = Density(3)
    with torch.no_grad():
        made.shares.normal_()
        made.means.normal_(std=2)
        made.log_scales.uniform_(-1, 2)
    made.write_counts()
    return made


def every_symbol(qf):
    k, step = largest(qf), FINEST / qf
    return torch.arange(-k, k + 1).float() * step, torch.tensor([step])


def alone(density, channel):
    """One channel of a density."""
    single = Density(1)
    state = density.state_dict().items()
    single.load_state_dict({name: value[channel : channel + 1] for name, value in state})
    return single


@torch.no_grad()
def bits_of(density, qf):
    """Of every symbol, by channel."""
    symbols, step = every_symbol(qf)
    channels = [alone(density, channel) for channel in range(len(density.means))]
    return np.array(
        [[float(one.bits(s.expand(1, 1, 1, 1), step)) for s in symbols] for one in channels]
    )


@pytest.mark.parametrize("qf", [8, 48, 128])
def test_the_probabilities_of_all_symbols_sum_to_1(density, qf):
    assert np.allclose((2.0 ** -bits_of(density, qf)).sum(1), 1, atol=1e-3)


def test_bits_are_summed_over_channels_and_places(density):
    latents, step = torch.randint(-3, 4, (2, 3, 4, 5)).float(), torch.ones(2)
    parts = [alone(density, c).bits(latents[:, c : c + 1], step) for c in range(3)]
    assert torch.allclose(density.bits(latents, step), torch.stack(parts).sum(0))
    assert density.bits(latents, step).shape == (2,)


def test_bits_are_of_the_mass_between_the_edges():
    one = Density(1)
    with torch.no_grad():
        one.log_scales.zero_()
    bits = one.bits(torch.full((1, 1, 1, 1), 2.0), torch.tensor([4.0]))

    between = 1 / (1 + math.exp(-4.0)) - 1 / (1 + math.exp(-0.0))
    assert float(bits.detach()) == pytest.approx(-math.log2(between), rel=1e-5)


def test_far_out_bits_still_have_a_gradient():
    one, latents = Density(1), torch.full((1, 1, 1, 1), 15.0, requires_grad=True)
    one.start_from(torch.tensor([2.0]))
    one.bits(latents, torch.tensor([1.0])).backward()
    assert float(latents.grad) > 0.05


@pytest.fixture
def prediction():
    made = LatentPrediction(3)
    torch.manual_seed(1)
    made.keep(torch.randn(3, 12) / 3, torch.randn(3))
    return made


@pytest.mark.parametrize("qf", QFS)
@pytest.mark.parametrize("far", [0, 1, 40])
def test_counts_are_whole_and_of_the_same_sum(density, prediction, qf, far):
    """Also where the neighbours let a symbol be expected far beyond what is coded."""
    counts = Expectation(prediction, density, qf)(np.full(12, far, np.int32))

    assert counts.shape == (3, 2 * largest(qf) + 1)
    assert counts.dtype == np.int64
    assert counts.min() >= 1
    assert len(set(counts.sum(1))) == 1


@pytest.mark.parametrize("qf", [16, 100, 128])
def test_counts_are_what_the_bits_are(density, qf):
    counts = Expectation(LatentPrediction(3), density, qf)(np.zeros(12, np.int32))
    coded, bits = -np.log2(counts / counts.sum(1, keepdims=True)), bits_of(density, qf)
    inside = (counts > 1 << 14) & (np.abs(np.arange(-largest(qf), largest(qf) + 1)) < largest(qf))
    assert np.abs(coded - bits)[inside].max() < 0.05


def test_symbols_are_expected_where_the_network_predicts_them(density, prediction):
    """The coder's whole numbers and the network's prediction, at a place in the middle."""
    qf, symbols = 48, torch.randint(-4, 5, (1, 3, 3, 3))
    step = FINEST / qf
    read = neighbours(symbols)[0, :, 1, 1].numpy().astype(np.int32)

    counts = Expectation(prediction, density, qf)(read)

    predicted = prediction(symbols * step)[0, :, 1, 1]
    every, steps = every_symbol(qf)
    for channel in range(3):
        one = alone(density, channel)
        left = every - predicted[channel]
        bits = [float(one.bits(at.expand(1, 1, 1, 1), steps).detach()) for at in left]
        coded = -np.log2(counts[channel] / counts[channel].sum())
        likely = (counts[channel] > 1 << 14) & (np.abs(every.numpy()) < every.max().item())
        assert likely.any() and np.abs(coded - bits)[likely].max() < 0.05


def test_a_prediction_reads_what_is_coded_before(prediction):
    """Of a place: the row above as far as one to the right, and what is on its left."""
    latents = torch.zeros(1, 3, 5, 5)
    base = prediction(latents)
    latents[0, :, 2, 2] = 1
    changed = (prediction(latents) - base).abs().sum(1)[0] > 0
    expected = torch.zeros(5, 5, dtype=torch.bool)
    expected[2, 3] = expected[3, 1] = expected[3, 2] = expected[3, 3] = True
    assert torch.equal(changed, expected)


def test_the_largest_symbol_reaches_no_farther_than_the_table():
    for qf in range(1, FINEST + 1):
        step = FINEST / qf
        assert largest(qf) == 0 or (largest(qf) + 0.5) * step <= REACH
        assert (largest(qf) + 1.5) * step > REACH


def test_a_density_begins_as_wide_as_it_is_told():
    wide, narrow = Density(1), Density(1)
    wide.start_from(torch.tensor([8.0]))
    narrow.start_from(torch.tensor([0.5]))
    far, step = torch.full((1, 1, 1, 1), 10.0), torch.tensor([1.0])
    assert (wide.bits(far, step) < narrow.bits(far, step)).all()
