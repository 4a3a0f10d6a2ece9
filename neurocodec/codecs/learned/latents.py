"""SPIC's symbols, coded without loss: rANS, or Huffman as in the slides, both of constriction.

The probabilities are whole counts that the model holds (networks/density.py), over their sum, a
power of two or less: no number that differs between machines reaches the coders.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from neurocodec.errors import BadInputError

Symbols = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint32]

CODERS = ("rans", "huffman")
_WORD = np.dtype(">u4")
_DAMAGED = "the file is damaged: its latents cannot be decoded"


def encode(symbols: Symbols, counts: Counts, coder: str) -> bytes:
    """Code the symbols of a picture.

    Args:
        symbols: (C, h, w), from −K to K.
        counts: of every channel's symbols, (C, 2·K + 1).
        coder: one of CODERS; the first byte says which.
    """
    largest = counts.shape[1] // 2
    rows = (symbols.reshape(len(symbols), -1) + largest).astype(np.int32)
    words = _ENCODERS[coder](rows, counts) if largest else np.empty(0, np.uint32)
    return bytes([CODERS.index(coder)]) + words.astype(_WORD).tobytes()


def decode(part: bytes, counts: Counts, size: tuple[int, int]) -> Symbols:
    """The symbols of a picture, (C, h, w).

    Args:
        part: what `encode` wrote.
        counts: as there.
        size: (h, w).

    Raises:
        BadInputError: `encode` did not write it.
    """
    if not part or part[0] >= len(CODERS) or len(part) % _WORD.itemsize != 1:
        raise BadInputError(_DAMAGED)
    words = np.frombuffer(part, _WORD, offset=1).astype(np.uint32)
    largest, places = counts.shape[1] // 2, size[0] * size[1]
    if not largest:
        return np.zeros((len(counts), *size), np.int32)
    try:
        rows = _DECODERS[CODERS[part[0]]](words, counts, places)
    except (ValueError, AssertionError):
        raise BadInputError(_DAMAGED) from None
    return np.array(rows, np.int32).reshape(len(counts), *size) - largest


def _shares(counts: Counts) -> npt.NDArray[np.float64]:
    return np.ascontiguousarray(counts / counts.sum(1, keepdims=True))


def _encode_rans(rows: Symbols, counts: Counts) -> Words:
    from constriction import stream

    coder, categorical = stream.stack.AnsCoder(), stream.model.Categorical
    # A stack: what is coded last is decoded first.
    for row, shares in zip(rows[::-1], _shares(counts)[::-1], strict=True):
        coder.encode_reverse(row, categorical(shares, perfect=False))
    words: Words = coder.get_compressed()
    return words


def _decode_rans(words: Words, counts: Counts, places: int) -> list[Symbols]:
    from constriction import stream

    coder, categorical = stream.stack.AnsCoder(words), stream.model.Categorical
    rows = [coder.decode(categorical(shares, perfect=False), places) for shares in _shares(counts)]
    if not coder.is_empty():
        raise BadInputError(_DAMAGED)
    return rows


def _encode_huffman(rows: Symbols, counts: Counts) -> Words:
    from constriction import symbol

    coder = symbol.QueueEncoder()
    for row, shares in zip(rows, _shares(counts), strict=True):
        tree = symbol.huffman.EncoderHuffmanTree(shares)
        for one in row.tolist():
            coder.encode_symbol(one, tree)
    words: Words = coder.get_compressed()[0]
    return words


def _decode_huffman(words: Words, counts: Counts, places: int) -> list[list[int]]:
    from constriction import symbol

    coder = symbol.QueueDecoder(words)
    trees = map(symbol.huffman.DecoderHuffmanTree, _shares(counts))
    return [[coder.decode_symbol(tree) for _ in range(places)] for tree in trees]


_ENCODERS: dict[str, Callable[[Symbols, Counts], Words]] = {
    "rans": _encode_rans,
    "huffman": _encode_huffman,
}
_DECODERS: dict[str, Callable[[Words, Counts, int], Sequence[Symbols] | list[list[int]]]] = {
    "rans": _decode_rans,
    "huffman": _decode_huffman,
}
