"""DIC's bits, coded without loss: an adaptive binary range coder that goes by a prediction.

Bits are sorted into contexts by their predicted logit (networks/bit_predictor.py). A context counts
its zeros and ones; their shares are the probabilities of the next bits there, and what was coded
is counted in after every half of a channel. Logits and counts are whole numbers, so that the
decoder has the same probabilities as the encoder on any machine.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from neurocodec.errors import BadInputError

if TYPE_CHECKING:
    from neurocodec.networks.bit_predictor import BitPredictor, Weights

Bits = npt.NDArray[np.int32]
Probabilities = npt.NDArray[np.float64]
Place = tuple[Any, ...]
Code = Callable[[Place, Probabilities], Bits]
"""From a place among an iteration's bits, (C, H, W), and the probabilities there, to the bits."""

_WORD = np.dtype(">u4")
_LIMIT = 6  # nats: beyond it logits share a context
_STEPS = 4  # contexts a nat
_FIRST_COUNT = 64  # of a context, as the prediction has it


class Counts:
    """Zeros and ones of every context, within an iteration."""

    def __init__(self) -> None:
        logits = np.arange(-_LIMIT * _STEPS, _LIMIT * _STEPS + 1) / _STEPS
        ones = np.round(_FIRST_COUNT / (1 + np.exp(-logits))).astype(np.int64)
        self._ones = ones.clip(1, _FIRST_COUNT - 1)
        self._zeros = _FIRST_COUNT - self._ones

    def probabilities(self, contexts: Bits) -> Probabilities:
        """Of a 1, by context."""
        ones = self._ones[contexts]
        probabilities: Probabilities = ones / (ones + self._zeros[contexts])
        return probabilities

    def add(self, contexts: Bits, bits: Bits) -> None:
        """Count bits in."""
        size = len(self._ones)
        self._ones += np.bincount(contexts[bits == 1], minlength=size)
        self._zeros += np.bincount(contexts[bits == 0], minlength=size)


class _Writer:
    """Codes the known bits of an iteration."""

    def __init__(self, known: Bits) -> None:
        import constriction

        self._known = known
        self._model = constriction.stream.model.Bernoulli(perfect=False)
        self._encoder = constriction.stream.queue.RangeEncoder()

    def __call__(self, place: Place, probabilities: Probabilities) -> Bits:
        self._encoder.encode(self._known[place], self._model, probabilities)
        return self._known[place]

    def part(self) -> bytes:
        """What was coded."""
        words: bytes = self._encoder.get_compressed().astype(_WORD).tobytes()
        return words


class _Reader:
    """Decodes the bits of an iteration."""

    def __init__(self, part: bytes) -> None:
        import constriction

        if len(part) % _WORD.itemsize:
            raise BadInputError("the file is damaged: a part has an odd length")
        words = np.frombuffer(part, _WORD).astype(np.uint32)
        self._model = constriction.stream.model.Bernoulli(perfect=False)
        self._decoder = constriction.stream.queue.RangeDecoder(words)

    def __call__(self, place: Place, probabilities: Probabilities) -> Bits:
        try:
            bits: Bits = self._decoder.decode(self._model, probabilities)
        except AssertionError:
            raise BadInputError("the file is damaged: its bits cannot be decoded") from None
        return bits


def encode(predictor: "BitPredictor", bits: npt.NDArray[np.bool_]) -> list[bytes]:
    """Code the bits of a picture, (T, C, H, W): one part an iteration."""
    before, parts = np.zeros(bits.shape[1:], np.int32), []
    for iteration, known in enumerate(bits.astype(np.int32)):
        writer = _Writer(known)
        _walk(predictor.weights(iteration), before, writer)
        parts.append(writer.part())
        before = 2 * known - 1
    return parts


def decode(
    predictor: "BitPredictor", parts: Sequence[bytes], shape: tuple[int, int, int]
) -> npt.NDArray[np.bool_]:
    """The bits of a picture, (T, C, H, W), T being the number of parts.

    Args:
        predictor: the one that coded them.
        parts: what `encode` wrote, or the first of it.
        shape: (C, H, W).

    Raises:
        BadInputError: a part was not written by `encode`.
    """
    before, decoded = np.zeros(shape, np.int32), []
    for iteration, part in enumerate(parts):
        bits = _walk(predictor.weights(iteration), before, _Reader(part))
        decoded.append(bits)
        before = 2 * bits - 1
    return np.array(decoded, bool)


def _walk(weights: "Weights", before: Bits, code: Code) -> Bits:
    """Code an iteration's bits one half of a channel after the other; they are returned.

    Args:
        weights: of the prediction.
        before: the bits of the iteration before, (C, H, W), −1 or 1; 0 where there was none.
        code: encodes or decodes.
    """
    import torch

    from neurocodec.networks.bit_predictor import UNIT, black_squares

    black = black_squares(*before.shape[-2:]).numpy()
    halves = (np.nonzero(black), np.nonzero(~black))
    counts, coded = Counts(), np.zeros_like(before)
    logits = weights.of_before(torch.from_numpy(before)[None].double())
    for channel in range(len(before)):
        for half in halves:
            signs = torch.from_numpy(2 * coded[channel] - 1)[None].double()
            told = logits[:, channel] + weights.of_neighbours(signs, channel)
            nats = told[0].numpy()[half] / UNIT
            contexts = (
                np.round(nats.clip(-_LIMIT, _LIMIT) * _STEPS).astype(np.int32) + _LIMIT * _STEPS
            )
            place = (channel, *half)
            bits = code(place, counts.probabilities(contexts))
            coded[place] = bits
            counts.add(contexts, bits)
        if channel + 1 == len(before):
            break
        signs = torch.from_numpy(2 * coded[channel] - 1)[None].double()
        logits[:, channel + 1 :] += weights.of_channel(signs, channel)
    return coded
