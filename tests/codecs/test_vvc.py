"""VVC: what stock decoders show, foreign streams, the programs' part, damage, what inspect says."""

import functools
import os
import subprocess
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocodec import codecs, images, tools
from neurocodec.codecs import libav
from neurocodec.codecs.planes.colour import to_pixels, to_planes
from neurocodec.codecs.planes.layout import Layout, raw
from neurocodec.codecs.programs import ffmpeg, vvdecapp, vvencapp
from neurocodec.codecs.streams.bits import unescape
from neurocodec.codecs.streams.h266 import nal
from neurocodec.codecs.streams.h266.sps import Colour, Sps
from neurocodec.codecs.vvc import Vvc, fitting, still
from neurocodec.errors import BadInputError, MissingError, ToolError, UsageError
from neurocodec.images import Image
from tests.codecs.coding import by_ffmpeg, encoded
from tests.conftest import picture, program_head, psnr_db

SIZES = [(1, 1), (13, 12), (65, 47), (64, 48)]

# 4:4:4 in layers of time and subpictures, with long-term references, HRD and every other part
# that a still does without. ffmpeg's trace_headers reads the same values out of it.
RARE_SPS = bytes.fromhex(
    "007930594233a0000003000003000003000003020000802801deadbeefc02040c34c85a1a8d62f6919050695a91ad3"
    "aa5d55763a688ce9a233a688ffcc8be0154afffafed7eee8b30a28cbf4468b00000300010000030019d0712354a065"
    "0192012d00c8c0ca0324025a01918194064804b4032303280c9009680646940ca0324025a01918194064804b403230"
    "3280c90096806460650192012d00c8d28194064804b4032303280c90096806460650192012d00c8c0ca0324025a019"
    "1a144bfc0010000f848804c0000003000003000003000003000440"
)


@functools.cache
def coded(width: int, height: int, qp: int = 34) -> bytes:
    return encoded(Vvc(engine="vvenc"), picture(width, height), qp)


def by_libvvenc(planes, *options: str, qp: int = 30) -> bytes:
    """A stream as others write it."""
    fixed = ["-c:v", "libvvenc", "-preset", "faster", "-qp", str(qp), "-qpa", "0", "-threads", "1"]
    return by_ffmpeg(planes, "yuv420p10le", [*fixed, *options], "vvc")


def quadrants() -> Image:
    """Four flat colours, that a wrong matrix or range shifts."""
    pixels = np.empty((64, 64, 3), np.uint8)
    pixels[:32, :32], pixels[:32, 32:] = (200, 40, 60), (30, 160, 80)
    pixels[32:, :32], pixels[32:, 32:] = (40, 60, 220), (240, 235, 20)
    return Image(pixels)


@functools.cache
def foreign(*options: str, color_space: str = "ycbcr", limited_range: bool = True) -> bytes:
    layout = Layout("420", 10, color_space, limited_range=limited_range, left=True)
    return by_libvvenc(to_planes(quadrants().pixels, layout), *options)


def shown_by_ffmpeg(path, *options: str) -> tuple[bytes, str]:
    """What the bare ffmpeg program writes as raw video, and what it says."""
    program = tools.find(ffmpeg.FFMPEG).path
    command = [program, "-hide_banner", "-i", path, *options, "-f", "rawvideo", "-"]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=True)
    return done.stdout, done.stderr.decode()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_ffmpeg_shows_the_same_planes_at_the_true_or_the_next_even_size(tmp_path, size):
    data = coded(*size)
    shown = tuple(side + side % 2 for side in size)
    path = tmp_path / "x.266"
    path.write_bytes(data)
    planes = libav.decode("vvc", data).planes
    said, words = shown_by_ffmpeg(path)
    assert said == raw(planes)
    assert f"{shown[0]}x{shown[1]}" in words
    assert "yuv420p10le(pc, bt470bg/bt709/iec61966-2-1" in words
    decoded = Vvc(engine="vvenc").decode(data)
    assert (decoded.width, decoded.height) == size
    rows, columns = (size[1] + 1) // 2, (size[0] + 1) // 2
    cut = [planes[0][: size[1], : size[0]], *(plane[:rows, :columns] for plane in planes[1:])]
    assert (decoded.pixels == to_pixels(cut, Layout("420", 10))).all()


def test_the_beyond_of_an_odd_size_repeats_the_edge():
    data = encoded(Vvc(), Image(np.full((9, 9, 3), (200, 40, 90), np.uint8)), 20)
    luma = libav.decode("vvc", data).planes[0].astype(int)
    assert luma.shape == (10, 10)
    assert np.abs(luma - luma[0, 0]).max() <= 12


def test_slices_are_the_encoders_own_and_the_headers_are_short():
    planes = to_planes(picture(64, 48).pixels, Layout("420", 10))
    stream = ffmpeg.encode_vvc(planes, 34, "fast")
    kept = {*range(nal.LAST_SLICE + 1), nal.PREFIX_APS}
    ours = [unit for unit in nal.split(coded(64, 48)) if unit.type in kept]
    assert ours == [unit for unit in nal.split(stream) if unit.type in kept]
    assert len(coded(64, 48)) - sum(len(unit.data) + 3 for unit in ours) <= 65
    assert len(stream) - len(coded(64, 48)) > 90


def test_an_odd_size_costs_one_short_message():
    units = nal.split(coded(65, 47))
    (message,) = [unit for unit in units if unit.type == nal.PREFIX_SEI]
    assert fitting.true_size(message) == (65, 47)
    assert len(message.data) <= 27
    assert nal.PREFIX_SEI not in {unit.type for unit in nal.split(coded(64, 48))}


def test_inspect_says_what_the_headers_say():
    assert Vvc().inspect(coded(65, 47)) == {
        "width": 65,
        "height": 47,
        "shown_width": 66,
        "shown_height": 48,
        "chroma": "420",
        "bit_depth": 10,
        "matrix": "bt601",
        "range": "full",
    }


def test_streams_of_older_formats_are_not_taken_for_it():
    planes = to_planes(picture(64, 64).pixels, Layout("420"))
    for encoder, container in (("libx265", "hevc"), ("libkvazaar", "hevc"), ("libx264", "h264")):
        stream = by_ffmpeg(planes, "yuv420p", ["-c:v", encoder], container)
        assert not Vvc.recognises(stream)
        with pytest.raises(BadInputError, match=r"not a \.266"):
            Vvc().decode(stream)
    assert Vvc.recognises(coded(64, 48))
    assert Vvc.recognises(coded(64, 48)[1:])  # a short start code
    assert Vvc.recognises(b"\0\0\1" + nal.header(20))
    assert not Vvc.recognises(b"\0\0\1" + nal.header(0))  # as a slice of H.265 may begin
    assert not Vvc.recognises(b"\1" + coded(64, 48))
    assert not Vvc.recognises(b"\0\0\0\1")


@pytest.mark.parametrize("growth", [8, 24])
def test_more_bits_than_the_program_has_room_for(growth):
    noise = np.random.default_rng(0).integers(0, 256, (growth, 16, 1), np.uint8)
    image = Image(noise.repeat(3, 2), gray=True)
    data = encoded(Vvc(preset="faster", engine="vvenc"), image, 0)
    assert psnr_db(Vvc().decode(data), image) > 40


def test_settings_and_pictures_out_of_range_are_refused():
    for settings_given in ({"preset": "best"}, {"engine": "vtm"}, {"chroma": "444"}):
        with pytest.raises(UsageError, match=next(iter(settings_given))):
            Vvc(**settings_given)
    assert encoded(codecs.create("vvc:preset=faster:engine=vvenc"), picture(16, 16), 40)


# Streams of others.


def centres(image: Image) -> np.ndarray:
    """The colours in the middle of the quadrants."""
    return image.pixels[16::32, 16::32].astype(int)


def tagged(matrix: str) -> tuple[str, str]:
    return "-vf", f"setparams=colorspace={matrix}:color_primaries=bt709:color_trc=bt709"


@pytest.mark.parametrize(
    ("options", "color_space", "limited_range", "matrix"),
    [
        ((), "ycbcr", True, "unspecified"),
        ((), "ycbcr", False, "unspecified"),
        (tagged("smpte170m"), "ycbcr", True, "bt601"),
        (tagged("bt709"), "ycbcr_bt709", True, "bt709"),
        (tagged("bt2020nc"), "ycbcr_bt2020", True, "bt2020"),
    ],
    ids=str,
)
def test_colour_is_what_ffmpeg_makes_of_it(tmp_path, options, color_space, limited_range, matrix):
    data = foreign(*options, color_space=color_space, limited_range=limited_range)
    said = Vvc().inspect(data)
    assert (said["matrix"], said["range"]) == (matrix, "limited")
    decoded = Vvc().decode(data)
    left = Layout("420", 10, color_space, limited_range=True, left=True)
    assert (decoded.pixels == to_pixels(libav.decode("vvc", data).planes, left)).all()
    if limited_range:
        assert np.abs(centres(decoded) - centres(quadrants())).max() <= 6
    (tmp_path / "x.266").write_bytes(data)
    raw, _ = shown_by_ffmpeg(tmp_path / "x.266", "-pix_fmt", "rgb24")
    theirs = Image(np.frombuffer(raw, np.uint8).reshape(64, 64, 3))
    assert np.abs(centres(decoded) - centres(theirs)).max() <= 3


def test_ycgco_which_ffmpeg_does_not_convert():
    decoded = Vvc().decode(foreign(*tagged("ycgco"), color_space="ycgco"))
    assert np.abs(centres(decoded) - centres(quadrants())).max() <= 6


def test_an_unknown_matrix_is_refused_by_its_number():
    with pytest.raises(BadInputError, match="matrix 7"):
        Vvc().decode(foreign(*tagged("smpte240m")))
    assert Vvc().inspect(foreign(*tagged("smpte240m")))["matrix"] == "7"


@pytest.mark.parametrize(
    ("parameters", "chroma", "bit_depth"),
    [
        ("internalbitdepth=8", "420", 8),
        ("ChromaFormatIDC=400", "400", 10),
        ("hrdparameterspresent=1:AccessUnitDelimiter=1", "420", 10),
        ("decodedpicturehash=1", "420", 10),
    ],
)
def test_other_kinds_of_stream(parameters, chroma, bit_depth):
    data = foreign("-vvenc-params", parameters)
    said = Vvc().inspect(data)
    assert (said["chroma"], said["bit_depth"]) == (chroma, bit_depth)
    decoded = Vvc().decode(data)
    assert decoded.gray == (chroma == "400")
    wanted = centres(quadrants())
    if chroma == "400":
        wanted = (wanted @ (0.299, 0.587, 0.114))[..., None]
    assert np.abs(centres(decoded) - wanted).max() <= 7


def test_a_video_is_refused_as_animated():
    frame = raw(to_planes(quadrants().pixels, Layout("420", 10)))
    source = ["-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-video_size", "64x64", "-i", "pipe:0"]
    arguments = [*source, "-c:v", "libvvenc", "-preset", "faster", "-f", "vvc", "pipe:1"]
    video = tools.run(tools.find(ffmpeg.FFMPEG), arguments, timeout_s=60, stdin=3 * frame)
    for read in (Vvc().decode, Vvc().inspect):
        with pytest.raises(BadInputError, match=r"animated \(3 pictures\)"):
            read(video)
    with pytest.raises(BadInputError, match="animated"):
        Vvc().decode(coded(64, 48) + coded(64, 48))


def test_every_part_of_a_sequence_parameter_set_is_passed_over_rightly():
    sps = Sps(nal.Nal(nal.SPS, RARE_SPS))
    assert (sps["id"], sps.chroma, sps.bit_depth, sps.coded_size) == (3, "444", 10, (128, 96))
    assert sps.hidden == (3, 7)
    assert sps.colour == Colour(primaries=9, transfer=16, matrix=9, full_range=True)
    assert sps["ladf_lowest_interval_qp_offset"] == -5
    assert sps["elemental_duration_in_tc_minus1"] == 4


# Damage.


def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(images, "most_pixels", lambda: 64 * 48 - 1)
    monkeypatch.setattr(libav, "decode", None)
    with pytest.raises(BadInputError, match="64×48"):
        Vvc().decode(coded(64, 48))


@pytest.mark.parametrize("size", [(64, 48), (65, 47)], ids=str)
def test_every_cut_is_noticed(size):
    data = coded(*size, qp=45)
    codec = Vvc(engine="vvenc")
    for length in [*range(0, len(data) - 12, 9), *range(len(data) - 12, len(data))]:
        with pytest.raises(BadInputError):
            codec.decode(data[:length])


def test_a_cut_stream_of_others_is_noticed_unless_the_picture_is_there():
    data = foreign()
    whole = Vvc().decode(data).pixels
    for length in [*range(0, len(data) - 12, 9), *range(len(data) - 12, len(data))]:
        try:
            decoded = Vvc().decode(data[:length])
        except BadInputError:
            continue
        assert length == len(data) - 1
        assert (decoded.pixels == whole).all()


@settings(max_examples=100)
@given(
    st.sampled_from([nal.SPS, nal.PPS, nal.PREFIX_SEI, nal.PICTURE_HEADER, 7]),
    st.binary(max_size=120),
)
def test_any_bytes_in_a_nal_unit_raise_nothing_but_bad_input(nal_type, payload):
    units = nal.split(coded(65, 47))
    changed = [nal.make(nal_type, payload) if unit.type == nal_type else unit for unit in units]
    try:
        header = still.read(nal.join(changed))
    except BadInputError:
        return
    assert min(header.size) >= 1


def test_a_true_size_that_does_not_fit_is_bad_input():
    for wrong in ((66, 48), (67, 47), (63, 47), (1, 1)):
        units = [
            fitting.size_message(*wrong) if unit.type == nal.PREFIX_SEI else unit
            for unit in nal.split(coded(65, 47))
        ]
        with pytest.raises(BadInputError, match="true size"):
            still.read(nal.join(units))
    without = [unit for unit in nal.split(coded(65, 47)) if unit.type != nal.PREFIX_SEI]
    with pytest.raises(BadInputError, match="true size"):
        still.read(nal.join(without))


def test_messages_of_others_are_passed_over():
    registered = b"\x04\xff\x05" + bytes(260)
    unregistered = b"\x05\x11" + bytes(range(17))
    other = nal.make(nal.PREFIX_SEI, registered + unregistered + b"\x80")
    assert fitting.true_size(other) is None
    units = nal.split(coded(65, 47))
    assert still.read(nal.join([*units[:2], other, *units[2:]])).size == (65, 47)
    ours = unescape(fitting.size_message(65, 47).data)[nal.HEADER_BYTES :]
    assert fitting.true_size(nal.make(nal.PREFIX_SEI, registered + unregistered + ours)) == (65, 47)


def test_only_a_stream_that_ends_in_a_slice_is_decoded_twice(monkeypatch):
    asked = []
    decode = libav.decode

    def watched(codec, stream, *, may_be_cut=False):
        asked.append(may_be_cut)
        return decode(codec, stream, may_be_cut=may_be_cut)

    monkeypatch.setattr(libav, "decode", watched)
    for data in (foreign(), coded(64, 48), foreign("-vvenc-params", "decodedpicturehash=1")):
        Vvc(engine="vvenc").decode(data)
    assert asked == [True, False, False]


# The real programs, stood in for by scripts that go through this package's own code.


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Write a Python program under a tool's name and point the tool's variable to it."""

    def write(tool: tools.Tool, version: str, body: str) -> None:
        path = tmp_path / tool.name
        path.write_text(
            f"{program_head()}\nimport sys\n"
            f"if sys.argv[1:] == {list(tool.probe)}:\n    sys.exit(print({version!r}))\n"
            "given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))\n"
            + textwrap.dedent(body)
        )
        path.chmod(0o755)
        monkeypatch.setenv(tool.variable, os.fspath(path))

    return write


ENCODES = """
    import numpy as np
    from neurocodec.codecs.programs import ffmpeg
    width, height = map(int, given["-s"].split("x"))
    assert (given["-c"], given["-r"], given["-f"]) == ("yuv420_10", "25", "1"), given
    assert (given["--qpa"], given["-t"]) == ("0", "1"), given
    samples = np.fromfile(given["-i"], "<u2")
    luma, *chroma = np.split(samples, np.cumsum([width * height, width * height // 4]))
    planes = [luma.reshape(height, width), *(c.reshape(height // 2, -1) for c in chroma)]
    stream = ffmpeg.encode_vvc(planes, int(given["-q"]), given["--preset"])
    open(given["-o"], "wb").write(stream)
"""

DECODES = """
    from neurocodec.codecs import libav
    from neurocodec.codecs.planes.layout import raw
    assert given.get("-d", "0") == "0"
    planes = libav.decode("vvc", open(given["-b"], "rb").read()).planes
    open(given["-o"], "wb").write(raw(planes))
"""

FAULTS = {
    "fails": ("sys.exit('no such thing')", "no such thing"),
    "brings nothing": ("pass", "did not produce a result"),
    "brings nonsense": ("open(given['-o'], 'wb').write(b'nonsense' * 99)", None),
}


def test_vvencapp_and_ffmpeg_give_the_same_bytes(stand_in):
    stand_in(vvencapp.VVENCAPP, "vvencapp version 9.8.7", ENCODES)
    image = picture(37, 20)
    for engine in ("auto", "vvencapp"):
        codec = Vvc(preset="faster", engine=engine)
        assert codec.encoder == "vvencapp 9.8.7"
        assert encoded(codec, image, 30) == encoded(Vvc(preset="faster", engine="vvenc"), image, 30)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_encoder_that_fails_is_a_tool_error(stand_in, fault):
    body, words = FAULTS[fault]
    stand_in(vvencapp.VVENCAPP, "vvencapp version 9.8.7", body)
    with pytest.raises(ToolError, match=words or "unusable stream"):
        encoded(Vvc(), picture(16, 16), 30)


def test_an_encoder_that_codes_another_picture_is_a_tool_error(stand_in):
    small = by_libvvenc(to_planes(np.zeros((16, 16, 3), np.uint8), Layout("420", 10)))
    stand_in(vvencapp.VVENCAPP, "vvencapp version 9.8.7", f"open(given['-o'], 'wb').write({small})")
    with pytest.raises(ToolError, match="unusable stream"):
        encoded(Vvc(), picture(40, 16), 30)


DECODERS = {
    "vvdecapp": (vvdecapp.VVDECAPP, "vvdecapp version 9.8.7"),
    "VTM": (vvdecapp.VTM, "VVCSoftware: VTM Decoder Version 99.1 [Linux]"),
}


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_decoder_that_is_there_gives_the_same_picture(stand_in, decoder):
    streams = [
        coded(65, 47),
        foreign("-vvenc-params", "internalbitdepth=8"),
        foreign("-vvenc-params", "ChromaFormatIDC=400"),
    ]
    stand_in(*DECODERS[decoder], DECODES)
    for stream in streams:
        ours = Vvc(engine="vvenc").decode(stream)
        theirs = Vvc().decode(stream)
        assert (theirs.pixels == ours.pixels).all()
        assert theirs.gray == ours.gray


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("decoder", DECODERS)
def test_a_decoder_that_complains_is_bad_input(stand_in, decoder, fault):
    body, words = FAULTS[fault]
    stand_in(*DECODERS[decoder], body)
    with pytest.raises(BadInputError, match=words or "gave 792 bytes"):
        Vvc().decode(coded(64, 48))
    assert Vvc(engine="vvenc").decode(coded(64, 48)).width == 64


def test_an_engine_that_is_asked_for_must_be_there(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    monkeypatch.setattr(tools, "PROJECT_BIN", tmp_path)
    monkeypatch.delenv(vvencapp.VVENCAPP.variable, raising=False)
    with pytest.raises(MissingError, match="vvencapp"):
        Vvc(engine="vvencapp")
    assert "libvvenc" in Vvc().encoder


@pytest.mark.parametrize("qp", [28, 41])
def test_photographs(data_folder, qp):
    path = data_folder("kodak") / "kodim23.png"
    photograph = images.read(path.read_bytes(), path.name)
    crop = Image(np.ascontiguousarray(photograph.pixels[100:323, 200:425]))
    data = encoded(Vvc(), crop, qp)
    assert 8 * len(data) / (223 * 225) < {28: 1.0, 41: 0.3}[qp]
    assert psnr_db(Vvc().decode(data), crop) > {28: 37, 41: 30}[qp]
