"""The entropy coder of DIC's bits: they come back, and a true prediction saves."""

import numpy as np
import pytest
import torch

from neurocodec.codecs.learned import bitplanes
from neurocodec.errors import BadInputError
from neurocodec.networks.bit_predictor import BitPredictor, Weights

CHANNELS = 4


def predictor(seed: int, iterations: int = 2) -> BitPredictor:
    """Random weights."""
    made = BitPredictor(CHANNELS, iterations)
    generator = torch.Generator().manual_seed(seed)
    for iteration in range(iterations):
        shapes = (
            (CHANNELS, CHANNELS, 3, 3),
            (CHANNELS, CHANNELS, 3, 3),
            (CHANNELS, 4),
            (2, CHANNELS),
        )
        values = [torch.randn(shape, generator=generator) / 4 for shape in shapes]
        made.keep(iteration, Weights(*values))
    return made


def likely_bits(made: BitPredictor, size: tuple[int, int], iterations: int):
    """Bits drawn as the prediction has it."""
    noise = torch.rand(iterations, CHANNELS, *size, generator=torch.Generator().manual_seed(1))
    before, bits = torch.zeros(1, CHANNELS, *size).double(), []
    for iteration in range(iterations):
        weights, signs = made.weights(iteration), torch.zeros(1, CHANNELS, *size).double()
        for _ in range(2 * CHANNELS):  # each pass settles one more half of a channel
            likely = torch.sigmoid(weights.logits(before, signs) / 256)
            signs = torch.where(noise[iteration] < likely, 1.0, -1.0).double()
        before = signs
        bits.append(signs[0] > 0)
    return torch.stack(bits).numpy()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 4), (16, 24)])
def test_bits_come_back(size):
    made = predictor(0)
    bits = np.random.default_rng(0).random((3, CHANNELS, *size)) < 0.3

    parts = bitplanes.encode(made, bits)

    assert len(parts) == 3
    assert (bitplanes.decode(made, parts, bits.shape[1:]) == bits).all()
    assert (bitplanes.decode(made, parts[:2], bits.shape[1:]) == bits[:2]).all()


def test_a_true_prediction_saves_bits():
    made, size = predictor(0), (32, 32)
    bits = likely_bits(made, size, 2)
    packed = bits.size / 8

    assert len(b"".join(bitplanes.encode(made, bits))) < 0.8 * packed
    assert len(b"".join(bitplanes.encode(BitPredictor(CHANNELS, 2), bits))) > 0.95 * packed


def test_without_a_prediction_the_counts_learn():
    bits = np.random.default_rng(0).random((1, CHANNELS, 32, 32)) < 0.1

    size = len(bitplanes.encode(BitPredictor(CHANNELS, 1), bits)[0])

    entropy = -(0.1 * np.log2(0.1) + 0.9 * np.log2(0.9)) * bits.size / 8
    assert entropy < size * 1.05
    assert size < 1.25 * entropy


def test_other_bytes_are_bad_input_or_other_bits():
    noise = np.random.default_rng(0)
    for length in (0, 4, 40):
        try:
            decoded = bitplanes.decode(predictor(0), [noise.bytes(length)], (CHANNELS, 8, 8))
        except BadInputError:
            continue
        assert decoded.shape == (1, CHANNELS, 8, 8)
    with pytest.raises(BadInputError, match="odd length"):
        bitplanes.decode(predictor(0), [b"abc"], (CHANNELS, 8, 8))
