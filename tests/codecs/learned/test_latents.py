"""The entropy coders of SPIC's symbols."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocodec.codecs.learned import latents
from neurocodec.errors import BadInputError


def made(channels=4, largest=5, size=(6, 7), seed=0):
    """Counts of different shapes, the same at every place, and symbols drawn by them."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(2 * largest + 1, 0.5), channels)
    counts = (shares * ((1 << 24) - 2 * largest - 1)).astype(np.int64) + 1
    rows = [rng.choice(2 * largest + 1, size, p=row / row.sum()) for row in counts]
    return (np.stack(rows) - largest).astype(np.int32), counts


def always(counts):
    return lambda neighbours: counts


@pytest.mark.parametrize("coder", latents.CODERS)
@pytest.mark.parametrize("largest", [1, 5, 63])
def test_symbols_come_back(coder, largest):
    symbols, counts = made(largest=largest)
    part = latents.encode(symbols, always(counts), coder)
    assert np.array_equal(latents.decode(part, always(counts), (4, 6, 7)), symbols)


@pytest.mark.parametrize("coder", latents.CODERS)
def test_symbols_are_expected_by_their_neighbours(coder):
    """Where each symbol is what its neighbours sum up to, it needs next to no bits."""
    rng = np.random.default_rng(0)
    signs = rng.choice([-1, 1], 8).astype(np.int32)

    def wanted(neighbours):
        return (signs * (neighbours.sum() + 1)) % 5 - 2

    def expect(neighbours):
        counts = np.ones((8, 5), np.int64)
        counts[np.arange(8), wanted(neighbours) + 2] = 1 << 20
        return counts

    padded = np.zeros((8, 7, 9), np.int32)
    for row, column in np.ndindex(6, 7):
        read = [padded[:, row, column + one] for one in range(3)] + [padded[:, row + 1, column]]
        padded[:, row + 1, column + 1] = wanted(np.concatenate(read))
    symbols = padded[:, 1:, 1:-1]
    part = latents.encode(symbols, expect, coder)
    assert np.array_equal(latents.decode(part, expect, symbols.shape), symbols)
    if coder == "rans":
        assert len(part) < 10


@pytest.mark.parametrize("coder", latents.CODERS)
def test_symbols_that_are_never_expected_come_back_too(coder):
    counts = np.full((1, 5), 1, np.int64)
    counts[0, 2] = (1 << 24) - 4
    symbols = np.array([[[-2, 2, 0, 1]]], np.int32)
    part = latents.encode(symbols, always(counts), coder)
    assert np.array_equal(latents.decode(part, always(counts), (1, 1, 4)), symbols)


@pytest.mark.parametrize("coder", latents.CODERS)
def test_one_symbol_needs_no_bits(coder):
    counts = np.full((3, 1), 1 << 24, np.int64)
    part = latents.encode(np.zeros((3, 2, 2), np.int32), always(counts), coder)
    assert len(part) == 1
    assert not latents.decode(part, always(counts), (3, 2, 2)).any()


def test_rans_comes_close_to_the_entropy_and_huffman_does_not_beat_it():
    symbols, counts = made(channels=16, size=(40, 40))
    probabilities = counts / counts.sum(1, keepdims=True)
    entropy = sum(
        -np.log2(probabilities[channel][row.ravel() + 5]).sum()
        for channel, row in enumerate(symbols)
    )
    rans, huffman = (
        8 * len(latents.encode(symbols, always(counts), coder)) for coder in latents.CODERS
    )
    assert entropy <= rans < 1.002 * entropy + 64
    assert rans < huffman


WORDS = st.lists(st.integers(0, (1 << 32) - 1), max_size=80)


@given(coder=st.integers(0, 2), words=WORDS, more=st.sampled_from([b"", b"", b"", b"x"]))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_symbols_or_an_error(coder, words, more):
    _, counts = made()
    part = bytes([coder]) + np.array(words, ">u4").tobytes() + more
    try:
        symbols = latents.decode(part, always(counts), (4, 6, 7))
    except BadInputError:
        return
    assert symbols.shape == (4, 6, 7)
    assert np.abs(symbols).max() <= 5


@pytest.mark.parametrize("coder", latents.CODERS)
def test_a_cut_part_is_an_error(coder):
    symbols, counts = made(size=(20, 20))
    part = latents.encode(symbols, always(counts), coder)
    with pytest.raises(BadInputError):
        latents.decode(part[:-8], always(counts), (4, 20, 20))
