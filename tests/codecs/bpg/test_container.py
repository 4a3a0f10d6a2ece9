"""The container: mux and demux undo each other, and no bytes at all bring another error."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neurocodec.codecs.bpg.codec import Bpg
from neurocodec.codecs.bpg.container import MAGIC, Container, demux, mux
from neurocodec.codecs.planes.layout import COLOR_SPACES, Layout
from neurocodec.codecs.streams.bits import (
    BitReader,
    ByteReader,
    escape,
    ue,
    ue7,
    unescape,
    with_stop_bit,
)
from neurocodec.errors import BadInputError

SMALL = Container(5, 3, Layout(), sps=b"\x01\x02", units=b"\x44\x01\xc0")


@st.composite
def containers(draw):
    left = draw(st.booleans())
    chroma = draw(st.sampled_from(["420", "422"] if left else ["gray", "420", "422", "444"]))
    gray = chroma == "gray"
    layout = Layout(
        chroma,
        draw(st.integers(8, 14)),
        "ycbcr" if gray else draw(st.sampled_from(COLOR_SPACES)),
        draw(st.booleans()),
        left,
    )
    alpha = draw(
        st.sampled_from(["none", "straight", "premultiplied", *([] if gray else ["white"])])
    )
    pieces = st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=200))
    return Container(
        width=draw(st.integers(1, 10_000)),
        height=draw(st.integers(1, 10_000)),
        layout=layout,
        sps=draw(st.binary(max_size=150)),
        units=draw(st.binary(max_size=300)),
        alpha=alpha,
        alpha_sps=None if alpha == "none" else draw(st.binary(max_size=20)),
        extensions=tuple(draw(st.lists(pieces, max_size=4))),
        says_length=draw(st.booleans()),
        animated=draw(st.booleans()),
    )


@given(containers())
def test_demux_undoes_mux(container):
    data = mux(container)
    assert demux(data) == container
    assert mux(demux(data)) == data


@given(st.binary(max_size=200))
@example(b"")
@example(b"\x20\x00\x80\x01\x01\x00")
def test_random_bytes_raise_nothing_but_bad_input(tail):
    for data in (tail, MAGIC + tail, MAGIC + b"\x20\x00\x05\x03\x00" + tail):
        for read in (demux, Bpg().inspect, Bpg().decode):
            try:
                read(data)
            except BadInputError as exc:
                assert "\n" not in str(exc)


def test_the_bytes_are_those_of_the_specification():
    container = replace(
        SMALL, width=542, height=8, extensions=((3, b"hi"),), alpha="straight", alpha_sps=b"\x07"
    )
    expected = "425047fb 30 08 841e 08 08 04 0302 6869 0107 020102 4401c0"
    assert mux(container) == bytes.fromhex(expected)
    rare = replace(SMALL, layout=Layout("422", 10, "ycbcr_bt2020", True, True), animated=True)
    assert mux(rare)[4:6] == bytes((5 << 5 | 2, 4 << 4 | 2 | 1))


@pytest.mark.parametrize("length", range(len(mux(SMALL))))
def test_every_cut_is_bad_input(length):
    with pytest.raises(BadInputError):
        demux(mux(SMALL)[:length])


def test_bytes_after_the_length_that_the_header_says_are_no_part_of_the_file():
    assert demux(mux(SMALL) + b"more") == SMALL


def test_a_file_that_says_no_length_goes_to_its_end():
    open_ended = replace(SMALL, says_length=False)
    assert demux(mux(open_ended) + b"more").units == SMALL.units + b"more"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (4, 6 << 5),  # pixel formats end at 5
        (4, 1 << 5 | 7),  # depths at 14
        (5, 5 << 4),  # color spaces at 4
        (6, 0),  # a width of nothing
        (6, 0x80),  # not the shortest form
    ],
)
def test_fields_out_of_range_are_refused(place, value):
    data = bytearray(mux(SMALL))
    data[place] = value
    with pytest.raises(BadInputError, match="damaged"):
        demux(bytes(data))


def test_gray_of_another_color_space_is_refused():
    gray = bytearray(mux(replace(SMALL, layout=Layout("gray"))))
    gray[5] = 1 << 4
    with pytest.raises(BadInputError):
        demux(bytes(gray))


@pytest.mark.parametrize("side", [2**31, 2**32 - 1, 100_000])
def test_a_size_that_no_picture_has_is_refused_unread(side):
    data = MAGIC + b"\x20\x00" + ue7(side) + ue7(side) + b"\x00" + b"\x01\x00" * 20
    with pytest.raises(BadInputError, match=str(side)):
        demux(data)


@given(st.integers(0, 2**32 - 1))
@example(728855)
def test_ue7_comes_back(value):
    coded = ue7(value)
    assert ByteReader(coded).ue7() == value
    assert coded[0] != 0x80


def test_ue7_is_the_specifications():
    assert (ue7(8), ue7(542), ue7(728855)) == (b"\x08", b"\x84\x1e", b"\xac\xbe\x17")


def test_ue7_over_32_bits_is_refused():
    with pytest.raises(BadInputError):
        ByteReader(ue7(2**32)).ue7()


@given(st.lists(st.integers(0, 2**20)))
def test_exp_golomb_codes_come_back(values):
    reader = BitReader(with_stop_bit("".join(map(ue, values))))
    assert [reader.ue() for _ in values] == values


def test_signed_codes_are_the_standards():
    reader = BitReader(bytes([0b1_010_011_0, 0b0100_0010, 0b1_0000000]))
    assert [reader.se() for _ in range(5)] == [0, 1, -1, 2, -2]


def test_an_endless_code_is_bad_input():
    with pytest.raises(BadInputError):
        BitReader(bytes(20)).ue()


@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 255])).map(bytes))
def test_emulation_prevention_hides_start_codes_and_comes_off(payload):
    held = escape(payload)
    assert unescape(held) == payload
    assert not any(held[i : i + 2] == b"\0\0" and held[i + 2] < 3 for i in range(len(held) - 2))
