"""HEVC streams into a .bpg and out again; parameter sets read and made."""

from dataclasses import replace

import numpy as np
import pytest

from neurocodec import tools
from neurocodec.codecs import libav
from neurocodec.codecs.bpg import x265
from neurocodec.codecs.bpg.container import demux
from neurocodec.codecs.bpg.files import encode
from neurocodec.codecs.bpg.settings import Settings
from neurocodec.codecs.bpg.streams import colour_and_alpha, read_stream
from neurocodec.codecs.planes import colour
from neurocodec.codecs.planes.layout import Layout, raw
from neurocodec.codecs.streams.bits import escape, ue, with_stop_bit
from neurocodec.codecs.streams.hevc import nal
from neurocodec.codecs.streams.hevc.nal import Nal
from neurocodec.codecs.streams.hevc.slices import slice_qp
from neurocodec.codecs.streams.hevc.sps import MiniSps, Sps, parameter_sets, parse
from neurocodec.errors import BadInputError, ToolError
from neurocodec.images import Image
from tests.conftest import picture

WAYS = [
    Settings(),
    Settings("444"),
    Settings("422"),
    Settings(bit_depth=10),
    Settings(bit_depth=12),
]


def codes(*values):
    return "".join(map(ue, values))


def extension(*on):
    """The range extension with these of its flags."""
    return "1" + "10000000" + "".join(str(int(index in on)) for index in range(9))


# The sizes of blocks; SAO without PCM; no extension.
PLAIN = MiniSps(codes(0, 3, 0, 3), ue(2), "10", "1", "0")
FULL = MiniSps(
    codes(1, 1, 1, 2), ue(0), "01" + "01110111" + codes(1, 2) + "1", "0", extension(0, 1, 5, 7)
)


def bare_stream(image, settings, qp=34):
    """x265's own elementary stream of a picture's planes."""
    layout = settings.layout(image)
    planes = colour.to_planes(image.pixels, layout)
    return x265.encode(planes, layout, qp, effort=settings.effort)


def kinds(stream, *wanted):
    return [unit for unit in nal.split(stream) if unit.kind in wanted]


@pytest.mark.parametrize("size", [(72, 40), (7, 5), (33, 14)], ids=str)
@pytest.mark.parametrize("settings", WAYS, ids=str)
def test_a_file_is_x265s_own_units_and_at_most_20_bytes(settings, size):
    image = picture(*size)
    stream = bare_stream(image, settings)
    kept = kinds(stream, nal.PPS, *nal.IDR_KINDS)
    data = encode(image, 34, settings)
    assert nal.split(nal.START_CODE + demux(data).units) == kept
    assert len(data) - sum(len(unit.data) for unit in kept) <= 20


def test_no_bits_are_spent_on_threads(monkeypatch):
    image = Image(np.full((900, 300, 3), 90, np.uint8))
    ours = encode(image, 34, Settings())
    threaded = ("keyint=1", "info=0", "log-level=none", "wpp=1")
    monkeypatch.setattr(x265, "_PARAMETERS", threaded)
    assert len(ours) < len(encode(image, 34, Settings()))


@pytest.mark.parametrize("settings", WAYS, ids=str)
def test_the_remade_stream_decodes_to_the_encoders_own_planes(settings):
    image = picture(72, 40)
    own = libav.decode("hevc", bare_stream(image, settings))
    remade, _alpha = colour_and_alpha(demux(encode(image, 34, settings)))
    decoded = libav.decode("hevc", remade.bare())
    assert decoded.pixel_format == own.pixel_format
    assert all(map(np.array_equal, decoded.planes, own.planes))


@pytest.mark.parametrize("settings", [Settings(), Settings("444"), Settings("422")], ids=str)
@pytest.mark.parametrize("size", [(64, 48), (7, 5)], ids=str)
def test_libde265_decodes_the_remade_stream_to_the_same_planes(
    settings, size, needs_tool, tmp_path
):
    libde265 = needs_tool("libde265-dec265")
    stream, _alpha = colour_and_alpha(demux(encode(picture(*size), 34, settings)))
    (tmp_path / "a.hevc").write_bytes(stream.bare())
    program = tools.Program("dec265", libde265, "", "path")
    arguments = ["-q", "-o", tmp_path / "a.yuv", tmp_path / "a.hevc"]
    planes = tools.run(program, arguments, timeout_s=60, produces=tmp_path / "a.yuv")
    assert planes == raw(libav.decode("hevc", stream.bare()).planes)


def test_alpha_takes_turns_before_the_colour_on_a_layer_of_its_own():
    container = demux(encode(picture(40, 24, alpha=True), 34, Settings()))
    units = nal.split(nal.START_CODE + container.units)
    assert [(unit.layer, unit.is_slice) for unit in units] == [
        (1, False),
        (0, False),
        (1, True),
        (0, True),
    ]
    _colour, alpha = colour_and_alpha(container)
    assert alpha.sps.chroma_format == 0
    assert {unit.layer for unit in alpha.units} == {0}


@pytest.mark.parametrize("mini", [PLAIN, FULL], ids=["plain", "full"])
@pytest.mark.parametrize("chroma_format", range(4))
@pytest.mark.parametrize("bit_depth", [8, 10])
def test_parameter_sets_come_back(mini, chroma_format, bit_depth):
    assert MiniSps.from_bytes(mini.to_bytes()) == mini
    sps = Sps(chroma_format, bit_depth, 4096, 160, mini)
    video, sequence = parameter_sets(sps)
    assert (video.kind, sequence.kind) == (nal.VPS, nal.SPS)
    assert parse(sequence) == sps


def test_the_mini_sps_of_x265_is_three_bytes():
    image = picture(72, 72)
    assert demux(encode(image, 30, Settings())).sps == PLAIN.to_bytes() == bytes.fromhex("924740")


@pytest.mark.parametrize(
    ("index", "name"), [(3, "explicit_rdpcm"), (4, "extended"), (6, "high"), (8, "cabac")]
)
def test_range_extensions_that_no_bpg_has_are_refused(index, name):
    mini = replace(PLAIN, extension=extension(index))
    with pytest.raises(BadInputError, match=name):
        MiniSps.from_bytes(mini.to_bytes())


def test_blocks_over_64_are_refused():
    with pytest.raises(BadInputError, match="64×64"):
        MiniSps.from_bytes(replace(PLAIN, blocks=codes(2, 2, 0, 3)).to_bytes())


def test_hashes_and_delimiters_of_x265_are_passed_over():
    planes = colour.to_planes(picture(64, 48).pixels, Layout())
    options = {"preset": "fast", "x265-params": "qp=30:keyint=1:log-level=none:hash=1:aud=1"}
    stream = libav.encode(planes, "yuv420p", "libx265", options)
    taken = read_stream(stream, Layout(), 64, 48)
    assert {unit.kind for unit in taken.units} == {nal.PPS, 20, 40}
    assert libav.decode("hevc", taken.bare()).planes[0].shape == (48, 64)


def test_what_the_decoder_only_complains_of_is_refused_each_time():
    stream, _alpha = colour_and_alpha(demux(encode(picture(64, 48), 30, Settings(effort=1))))
    video, *others = nal.split(stream.bare())
    extended = Nal(video.data[:-1] + bytes((video.data[-1] ^ 0x10,)))
    for _ in range(3):
        with pytest.raises(BadInputError, match="VPS"):
            libav.decode("hevc", nal.join([extended, *others]))


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ("scaling-list=default", "scaling"),
        ("crf=30:hrd=1:vbv-bufsize=900:vbv-maxrate=900", "usability"),
        ("colormatrix=bt709", "usability"),
        ("display-window=0,2,0,2", "usability"),
    ],
)
def test_streams_that_a_bpg_cannot_hold_are_refused(parameters, complaint):
    planes = colour.to_planes(picture(64, 48).pixels, Layout())
    options = {"preset": "fast", "x265-params": f"keyint=1:log-level=none:{parameters}"}
    stream = libav.encode(planes, "yuv420p", "libx265", options)
    with pytest.raises(BadInputError, match=complaint):
        read_stream(stream, Layout(), 64, 48)


def test_a_stream_of_another_size_or_layout_is_refused():
    stream = bare_stream(picture(64, 48), Settings())
    for layout, size in (
        (Layout(), (72, 48)),
        (Layout("444"), (64, 48)),
        (Layout(bit_depth=10), (64, 48)),
    ):
        with pytest.raises(BadInputError, match="promised"):
            read_stream(stream, layout, *size)
    with pytest.raises(BadInputError, match="one picture"):
        read_stream(stream + stream, Layout(), 64, 48)
    picture_only = nal.join(kinds(stream, *nal.IDR_KINDS))
    with pytest.raises(BadInputError, match="one picture"):
        read_stream(stream + picture_only, Layout(), 64, 48)


@pytest.mark.parametrize(
    ("depth", "qp", "expected"), [(8, 34, 31), (10, 34, 31), (8, 51, 48), (8, 0, 0)]
)
@pytest.mark.parametrize("gray", [False, True])
def test_the_slice_qp_is_read(depth, qp, expected, gray):
    data = encode(picture(24, 16, gray=gray), qp, Settings(bit_depth=depth, effort=1))
    stream, _alpha = colour_and_alpha(demux(data))
    assert stream.slice_qp == expected


@pytest.mark.parametrize("sao", [False, True])
@pytest.mark.parametrize("chroma", [False, True])
@pytest.mark.parametrize(("output_flag", "extra"), [(0, 0), (1, 0), (0, 2)])
@pytest.mark.parametrize("delta", [-7, 0, 5])
def test_the_slice_qp_stands_behind_whatever_comes_before_it(
    sao, chroma, output_flag, extra, delta
):
    flags = f"0{output_flag}{extra:03b}00"
    parameters = codes(0, 0) + flags + codes(0, 0, 2 * 4)  # the last is init_qp_minus26 = -4
    before = "10" + codes(0) + extra * "0" + codes(2) + (output_flag + sao * (1 + chroma)) * "0"
    header = before + codes(2 * delta - 1 if delta > 0 else -2 * delta)
    units = [
        Nal(bytes((34 << 1, 1)) + escape(with_stop_bit(parameters))),
        Nal(bytes((20 << 1, 1)) + escape(with_stop_bit(header))),
    ]
    assert slice_qp(units, sao=sao, chroma=chroma) == 22 + delta


def test_a_stream_without_a_picture_has_no_qp():
    with pytest.raises(BadInputError, match="has no picture"):
        slice_qp([], sao=True, chroma=True)


def test_a_picture_that_is_no_idr_has_no_simple_qp():
    stream, _alpha = colour_and_alpha(demux(encode(picture(24, 16), 34, Settings(effort=1))))
    random_access = [
        Nal(bytes((21 << 1, 1)) + u.data[2:]) if u.is_slice else u for u in stream.units
    ]
    assert replace(stream, units=random_access).slice_qp is None


def test_units_of_other_kinds_are_left_out():
    assert not Nal(b"\x46\x01\x50").belongs_in_bpg
    assert [Nal(bytes((kind << 1, 1, 0))).kind for kind in (0, 20, 40)] == [0, 20, 40]
    assert Nal(b"\x02\x01\xff").on_layer(33).layer == 33


@pytest.mark.parametrize("stream", [b"", b"\0\0\1", b"junk\0\0\1\x40\x01\x0c", b"\0\0\1\x40\x01"])
def test_what_is_no_annex_b_is_bad_input(stream):
    with pytest.raises(BadInputError):
        nal.split(stream)


def test_a_failing_encoder_is_a_tool_error():
    planes = [np.zeros((16, 16), np.uint8)]
    with pytest.raises(ToolError, match="libx265"):
        libav.encode(planes, "gray", "libx265", {"x265-params": "ctu=7"})
