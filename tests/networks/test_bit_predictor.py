"""The prediction of bits goes by what is known before, and is exact."""

import torch

from neurocodec.networks.bit_predictor import UNIT, BitPredictor, Weights, black_squares

CHANNELS, SIZE = 3, (5, 6)
SHAPES = ((CHANNELS, CHANNELS, 3, 3), (CHANNELS, CHANNELS, 3, 3), (CHANNELS, 4), (2, CHANNELS))


def signs(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.where(
        torch.rand(1, CHANNELS, *SIZE, generator=generator) < 0.5, 1.0, -1.0
    ).double()


def weights() -> Weights:
    generator = torch.Generator().manual_seed(0)
    made = BitPredictor(CHANNELS, 1)
    made.keep(0, Weights(*(torch.randn(shape, generator=generator) for shape in SHAPES)))
    return made.weights(0)


def test_bit_by_bit_and_all_at_once_are_equal():
    before, bits = signs(1), signs(2)
    told = weights().of_before(before)
    for channel in range(CHANNELS):
        told[:, channel] += weights().of_neighbours(bits[:, channel], channel)
        if channel + 1 < CHANNELS:
            told[:, channel + 1 :] += weights().of_channel(bits[:, channel], channel)

    assert torch.equal(weights().logits(before, bits), told)


def test_a_bit_changes_only_what_is_coded_after_it():
    before, bits = signs(1), signs(2)
    order = torch.arange(CHANNELS)[:, None, None] * 2 + (~black_squares(*SIZE)).long()
    logits = weights().logits(before, bits)
    for place in [(0, 2, 2), (1, 2, 3), (2, 0, 0)]:
        other = bits.clone()
        other[0, *place] *= -1
        changed = (weights().logits(before, other) != logits)[0]
        assert changed.any() or order[place] == 2 * CHANNELS - 1
        assert (order[changed] > order[place]).all()


def test_a_neighbour_tells_what_its_weight_says():
    made = BitPredictor(CHANNELS, 1)
    values = [torch.zeros(shape) for shape in SHAPES]
    values[2][1] = torch.tensor([1.0, 2.0, 3.0, 4.0])  # above, left, right, below
    made.keep(0, Weights(*values))
    bits = -torch.ones(1, 4, 5).double()
    bits[0, 1, 1] = 1  # a black square: (2, 1) sees it above itself
    told = made.weights(0).of_neighbours(bits, 1)[0] / UNIT

    assert told[2, 1] == 1 - 2 - 3 - 4
    assert told[1, 2] == -1 + 2 - 3 - 4
    assert told[1, 0] == -1 + 3 - 4
    assert told[0, 1] == -2 - 3 + 4
    assert (told[black_squares(4, 5)] == 0).all()


def test_later_iterations_have_the_weights_of_the_last():
    made = BitPredictor(CHANNELS, 2)
    made.keep(1, Weights(*(torch.ones(shape) for shape in SHAPES)))

    assert (made.weights(5).bias == UNIT).all()
    assert (made.weights(0).bias == 0).all()
