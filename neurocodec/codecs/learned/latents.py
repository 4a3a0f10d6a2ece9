"""SPIC's symbols, coded without loss: rANS, or Huffman as in the slides, both of constriction.

The symbols of a place have probabilities by those before it: whole counts (networks/expectation.py)
over their sum: no number that differs between machines reaches the coders.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from neurocodec.errors import BadInputError

Symbols = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint32]
Shares = npt.NDArray[np.float64]
Expect = Callable[[Symbols], Counts]
"""From the neighbours of a place, (neighbours · C,), to counts of its symbols, (C, 2·K + 1)."""

CODERS = ("rans", "huffman")
_WORD = np.dtype(">u4")
_DAMAGED = "the file is damaged: its latents cannot be decoded"


def encode(symbols: Symbols, expect: Expect, coder: str) -> bytes:
    """Code the symbols of a picture.

    Args:
        symbols: (C, h, w), from −K to K.
        expect: of the model.
        coder: one of CODERS; the first byte says which.
    """
    words = _ENCODERS[coder](_Rows(symbols, expect))
    return bytes([CODERS.index(coder)]) + words.astype(_WORD).tobytes()


def decode(part: bytes, expect: Expect, shape: tuple[int, int, int]) -> Symbols:
    """The symbols of a picture, (C, h, w).

    Args:
        part: what `encode` wrote.
        expect: as there.
        shape: (C, h, w).

    Raises:
        BadInputError: `encode` did not write it.
    """
    if not part or part[0] >= len(CODERS) or len(part) % _WORD.itemsize != 1:
        raise BadInputError(_DAMAGED)
    words = np.frombuffer(part, _WORD, offset=1).astype(np.uint32)
    padded = _padded(shape)
    try:
        reader = _DECODERS[CODERS[part[0]]](words)
        for row, column in _places(shape):
            counts = expect(_neighbours(padded, row, column))
            if counts.shape[1] > 1:
                padded[:, row, column] = reader.read(counts)
    except (ValueError, AssertionError):
        raise BadInputError(_DAMAGED) from None
    reader.finish()
    return np.ascontiguousarray(_inside(padded))


def _padded(shape: tuple[int, ...]) -> Symbols:
    """Zeros with a row above, and a column on each side."""
    channels, height, width = shape
    return np.zeros((channels, height + 1, width + 2), np.int32)


def _inside(padded: Symbols) -> Symbols:
    return padded[:, 1:, 1:-1]


def _places(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Rows and columns of padded symbols, in the order of coding."""
    return ((row + 1, column + 1) for row, column in np.ndindex(*shape[1:]))


def _neighbours(padded: Symbols, row: int, column: int) -> Symbols:
    """Above on the left, above, above on the right, on the left: (4 · C,)."""
    above = padded[:, row - 1, column - 1 : column + 2]
    return np.concatenate([above.T.reshape(-1), padded[:, row, column - 1]])


def _shares(counts: Counts) -> Shares:
    return np.ascontiguousarray(counts / counts.sum(1, keepdims=True))


class _Rows:
    """The symbols of every place and their counts, computed one place after the other."""

    def __init__(self, symbols: Symbols, expect: Expect) -> None:
        self._padded = _padded(symbols.shape)
        _inside(self._padded)[:] = symbols
        self._expect = expect
        self._places = list(_places(symbols.shape))

    def __iter__(self) -> Iterator[tuple[Symbols, Counts]]:
        return map(self._at, self._places)

    def __reversed__(self) -> Iterator[tuple[Symbols, Counts]]:
        return map(self._at, reversed(self._places))

    def _at(self, place: tuple[int, int]) -> tuple[Symbols, Counts]:
        return self._padded[:, *place], self._expect(_neighbours(self._padded, *place))


def _encode_rans(rows: _Rows) -> Words:
    from constriction import stream

    coder, categorical = stream.stack.AnsCoder(), stream.model.Categorical(perfect=False)
    # A stack: what is coded last is decoded first.
    for symbols, counts in reversed(rows):
        largest = counts.shape[1] // 2
        if largest:
            coder.encode_reverse(symbols + np.int32(largest), categorical, _shares(counts))
    words: Words = coder.get_compressed()
    return words


class _RansReader:
    def __init__(self, words: Words) -> None:
        from constriction import stream

        self._coder = stream.stack.AnsCoder(words)
        self._categorical = stream.model.Categorical(perfect=False)

    def read(self, counts: Counts) -> Symbols:
        """The symbols of a place, (C,)."""
        read: Symbols = self._coder.decode(self._categorical, _shares(counts))
        return read - np.int32(counts.shape[1] // 2)

    def finish(self) -> None:
        """Refuse what is left over."""
        if not self._coder.is_empty():
            raise BadInputError(_DAMAGED)


def _encode_huffman(rows: _Rows) -> Words:
    from constriction import symbol

    coder = symbol.QueueEncoder()
    for symbols, counts in rows:
        largest = counts.shape[1] // 2
        for one, shares in zip(symbols.tolist(), _shares(counts), strict=True):
            if largest:
                coder.encode_symbol(one + largest, symbol.huffman.EncoderHuffmanTree(shares))
    words: Words = coder.get_compressed()[0]
    return words


class _HuffmanReader:
    def __init__(self, words: Words) -> None:
        from constriction import symbol

        self._coder = symbol.QueueDecoder(words)
        self._tree = symbol.huffman.DecoderHuffmanTree

    def read(self, counts: Counts) -> Symbols:
        """The symbols of a place, (C,)."""
        read = [self._coder.decode_symbol(self._tree(shares)) for shares in _shares(counts)]
        return np.array(read, np.int32) - np.int32(counts.shape[1] // 2)

    def finish(self) -> None:
        """Nothing: what is left over cannot be told from the end of the last word."""


_ENCODERS: dict[str, Callable[[_Rows], Words]] = {
    "rans": _encode_rans,
    "huffman": _encode_huffman,
}
_DECODERS: dict[str, type[_RansReader] | type[_HuffmanReader]] = {
    "rans": _RansReader,
    "huffman": _HuffmanReader,
}
