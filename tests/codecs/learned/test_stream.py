"""The header of learned codecs: it comes back, and no damage to it is taken for another."""

from dataclasses import replace

import pytest

from neurocodec.codecs import Level
from neurocodec.codecs.learned import stream
from neurocodec.codecs.learned.stream import Stream
from neurocodec.codecs.level import UNITS
from neurocodec.errors import BadInputError

MAGIC = b"TEST"
CODED = Stream(bytes(range(16)), 640, 427, Level("iterations", 300), (b"payload", b"", b"more"), 3)


@pytest.mark.parametrize("unit", ["qp", "quality", "iterations"])
def test_every_field_comes_back(unit):
    coded = replace(CODED, level=Level(unit, 7))
    assert stream.read(MAGIC, stream.write(MAGIC, coded)) == coded


HEADER = len(stream.write(MAGIC, replace(CODED, parts=(), count=0)))


def test_every_flipped_bit_is_bad_input_or_leaves_a_part_out():
    data = stream.write(MAGIC, CODED)
    number = int.from_bytes(data)
    for bit in range(8 * len(data)):
        damaged = (number ^ 1 << bit).to_bytes(len(data))
        try:
            read = stream.read(MAGIC, damaged)
        except BadInputError:
            continue
        # A length that says more than there is: the file looks cut there.
        assert len(read.parts) < read.count
        assert read == replace(CODED, parts=CODED.parts[: len(read.parts)])


@pytest.mark.parametrize("length", range(HEADER))
def test_a_cut_header_is_bad_input(length):
    with pytest.raises(BadInputError):
        stream.read(MAGIC, stream.write(MAGIC, CODED)[:length])


def test_a_cut_file_has_its_whole_parts():
    data = stream.write(MAGIC, CODED)
    ends = [len(stream.write(MAGIC, replace(CODED, parts=CODED.parts[:n]))) for n in range(4)]
    for length in range(HEADER, len(data) + 1):
        whole = sum(end <= length for end in ends[1:])
        read = stream.read(MAGIC, data[:length])
        assert read == replace(CODED, parts=CODED.parts[:whole])


def test_bytes_after_the_end_are_bad_input():
    with pytest.raises(BadInputError, match="goes on after its end"):
        stream.read(MAGIC, stream.write(MAGIC, CODED) + b"more")


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


def test_the_places_of_units_are_those_in_files():
    assert UNITS[:4] == ("qp", "quality", "iterations", "qf")
