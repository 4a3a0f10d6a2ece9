"""The header of learned codecs: it comes back, and no damage to it is taken for another."""

from dataclasses import replace

import pytest

from neurocodec.codecs import Level
from neurocodec.codecs.learned import stream
from neurocodec.codecs.learned.stream import Stream
from neurocodec.errors import BadInputError

MAGIC = b"TEST"
CODED = Stream(bytes(range(16)), 640, 427, Level("iterations", 300), b"payload")


@pytest.mark.parametrize("unit", ["qp", "quality", "iterations"])
def test_every_field_comes_back(unit):
    coded = replace(CODED, level=Level(unit, 7))
    assert stream.read(MAGIC, stream.write(MAGIC, coded)) == coded


def test_every_flipped_bit_and_every_cut_is_bad_input():
    data = stream.write(MAGIC, CODED)
    number = int.from_bytes(data)
    damaged = [(number ^ 1 << bit).to_bytes(len(data)) for bit in range(8 * len(data))]
    for other in [*damaged, *(data[:length] for length in range(len(data))), data + b"more"]:
        with pytest.raises(BadInputError):
            stream.read(MAGIC, other)


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_a_file_without_pixels_is_refused(size):
    data = stream.write(MAGIC, replace(CODED, width=size[0], height=size[1]))
    with pytest.raises(BadInputError, match=f"{size[0]}×{size[1]}"):
        stream.read(MAGIC, data)


def test_a_file_of_another_version_is_refused_as_one(monkeypatch):
    monkeypatch.setattr(stream, "_VERSION", 9)
    data = stream.write(MAGIC, CODED)
    monkeypatch.undo()
    with pytest.raises(BadInputError, match="version 9: it needs another version of neurocodec"):
        stream.read(MAGIC, data)
