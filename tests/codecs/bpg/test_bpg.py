"""The codec: pictures of every kind, settings, damaged files, metadata."""

from dataclasses import replace

import numpy as np
import pytest

from neurocodec import images
from neurocodec.codecs import create, libav
from neurocodec.codecs.bpg import Bpg, encode_planes, x265
from neurocodec.codecs.bpg.container import demux, mux
from neurocodec.codecs.bpg.files import encode, with_metadata
from neurocodec.codecs.bpg.settings import Settings
from neurocodec.codecs.planes import colour
from neurocodec.codecs.planes.layout import Layout
from neurocodec.codecs.programs import bpgdec
from neurocodec.codecs.streams.hevc import nal
from neurocodec.codecs.streams.hevc.sps import MiniSps
from neurocodec.errors import BadInputError, UsageError
from neurocodec.images import Image
from tests.codecs.coding import encoded
from tests.conftest import picture, psnr_db


@pytest.fixture(autouse=True)
def no_libbpg(monkeypatch):
    """The bundled encoder, wherever the tests run."""
    monkeypatch.setattr("neurocodec.codecs.bpg.codec.lookup", lambda tool: None)


def noise(width, height):
    return Image(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("chroma", ["420", "444", "422", "420_video", "422_video"])
@pytest.mark.parametrize("bit_depth", [8, 10, 12])
def test_every_chroma_and_depth_keeps_the_picture(chroma, bit_depth):
    codec = Bpg(chroma, bit_depth, effort=2)
    image = picture(57, 43)
    data = encoded(codec, image, 10)
    assert psnr_db(codec.decode(data), image) > 30
    said = codec.inspect(data)
    assert (said["chroma"], said["bit_depth"]) == (chroma[:3], bit_depth)
    assert said["chroma_siting"] == ("left" if "video" in chroma else "centre")


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 70), (70, 2), (8, 9), (9, 8), (16, 15), (17, 16)], ids=str
)
@pytest.mark.parametrize("chroma", ["420", "444"])
def test_odd_and_tiny_sizes_come_back(size, chroma):
    image = picture(*size, alpha=True)
    codec = Bpg(chroma)
    data = encoded(codec, image, 20)
    assert codec.decode(data).pixels.shape == image.pixels.shape
    assert codec.decode(data).alpha.shape == image.alpha.shape


@pytest.mark.parametrize("space", ["ycbcr", "rgb", "ycgco", "ycbcr_bt709", "ycbcr_bt2020"])
@pytest.mark.parametrize("limited", [0, 1])
def test_every_color_space_keeps_the_picture(space, limited):
    codec = Bpg("444", color_space=space, limited_range=limited, effort=2)
    image = picture(40, 40)
    data = encoded(codec, image, 4)
    assert psnr_db(codec.decode(data), image) > 37
    said = codec.inspect(data)
    assert (said["color_space"], said["limited_range"]) == (space, bool(limited))


@pytest.mark.parametrize(
    "image", [noise(33, 18), picture(20, 30, gray=True), picture(20, 30, alpha=True)]
)
def test_lossless_is(image):
    codec = Bpg(lossless=1, bit_depth=10, limited_range=1)
    data = encoded(codec, image, 30)
    decoded = codec.decode(data)
    assert codec.inspect(data)["bit_depth"] == 8
    assert np.array_equal(decoded.pixels, image.pixels)
    assert decoded.gray == image.gray
    assert image.alpha is None or np.array_equal(decoded.alpha, image.alpha)


@pytest.mark.parametrize("bit_depth", [8, 10])
def test_gray_is_one_plane_and_comes_back_gray(bit_depth):
    image = picture(60, 40, gray=True, alpha=True)
    codec = Bpg(bit_depth=bit_depth)
    data = encoded(codec, image, 15)
    decoded = codec.decode(data)
    assert codec.inspect(data)["chroma"] == "gray"
    assert decoded.gray
    assert (decoded.pixels == decoded.pixels[..., :1]).all()
    assert psnr_db(decoded, image) > 35


def test_alpha_has_a_qp_of_its_own():
    image = picture(80, 60, alpha=True)
    coarse, same, fine = (len(encoded(Bpg(alpha_qp=qp), image, 30)) for qp in (45, 30, 5))
    assert coarse < same == len(encoded(Bpg(), image, 30)) < fine


def test_effort_is_worth_bits():
    image = picture(160, 120)
    fast, slow = (encoded(Bpg(effort=effort), image, 34) for effort in (1, 8))
    assert len(slow) < len(fast)


def test_metadata_is_kept_on_request_only():
    given = {"exif": b"MM\0*" + bytes(300), "icc": b"i" * 20000, "xmp": b"<x/>"}
    image = replace(picture(30, 20), metadata={**given, "comment": b"no"})
    bare = encoded(Bpg(), image, 30)
    kept = encoded(Bpg(keep_metadata=True), image, 30)
    assert Bpg().decode(bare).metadata == {}
    assert Bpg().decode(kept).metadata == given
    assert Bpg().inspect(kept)["metadata_bytes"] == {k: len(v) for k, v in given.items()}
    assert demux(kept).units == demux(bare).units
    assert with_metadata(demux(kept), {}) == bare


@pytest.mark.parametrize(
    "settings",
    [
        {"chroma": "411"},
        {"bit_depth": 9},
        {"engine": "jctvc"},
        {"color_space": "lab"},
        {"alpha_qp": 52},
        {"effort": 0},
    ],
    ids=str,
)
def test_settings_that_there_are_not_are_refused(settings):
    ((name, value),) = settings.items()
    with pytest.raises(UsageError, match=f"{name.replace('_', '.')}|{value!s}"):
        Bpg(**settings)


@pytest.mark.parametrize("setting", ["lossless", "limited_range"])
def test_a_setting_that_is_on_or_off_takes_no_other_number(setting):
    assert create(f"bpg:{setting}=1").encoder
    with pytest.raises(UsageError, match=f"{setting} must be 0 or 1, not '7'"):
        create(f"bpg:{setting}=7")


def test_the_chroma_in_force_is_that_of_what_is_coded():
    assert create("bpg:chroma=444").chroma == "444"
    assert create("bpg").chroma == "420"
    assert create("bpg:lossless=1").chroma == create("bpg:color_space=rgb").chroma == "444"


@pytest.mark.parametrize("size", [(1, 1), (9, 9), (17, 24), (24, 99), (99, 16), (25, 25)], ids=str)
def test_the_slowest_effort_codes_small_pictures(size):
    image = picture(*size)
    codec = Bpg(effort=9)
    assert psnr_db(codec.decode(encoded(codec, image, 4)), image) > 22


def test_planes_are_coded_as_they_are():
    image = picture(57, 43)
    layout = Layout("422", 10)
    planes = colour.to_planes(image.pixels, layout)
    data = encode_planes(planes, layout, 20, Settings(effort=2))
    assert data == encoded(Bpg("422", 10, effort=2), image, 20)
    white = np.full((43, 57), 255, np.uint8)
    cmyk = encode_planes(
        colour.to_planes(image.pixels, Layout("444")), Layout("444"), 20, Settings(effort=2),
        alpha=white, alpha_kind="white",
    )  # fmt: skip
    assert Bpg().inspect(cmyk)["alpha"] == "white"
    assert Bpg().decode(cmyk).alpha is None


def test_the_encoder_says_which_x265():
    assert Bpg().encoder.startswith("libx265 (PyAV ")


def test_a_file_whose_end_is_zeroed_is_bad_input():
    data = small_file()
    with pytest.raises(BadInputError, match="zeros"):
        Bpg().decode(data[:-40] + bytes(40))


def small_file(**settings):
    return encode(picture(40, 30), 34, Settings(**settings))


def opened(data):
    """The same picture in a file that says no length, as bpgenc writes it."""
    return mux(replace(demux(data), says_length=False))


def test_a_cut_file_that_says_no_length_is_bad_input_unless_its_picture_is_whole():
    data = opened(small_file())
    whole = Bpg().decode(data)
    unnoticed = 0
    for length in [*range(0, len(data) - 12, 9), *range(len(data) - 12, len(data))]:
        try:
            decoded = Bpg().decode(data[:length])
        except BadInputError:
            continue
        assert np.array_equal(decoded.pixels, whole.pixels)
        unnoticed += 1
    assert unnoticed <= 1


@pytest.mark.parametrize("says_length", [True, False])
def test_only_a_file_that_says_no_length_is_decoded_twice(monkeypatch, says_length):
    data = mux(replace(demux(small_file()), says_length=says_length))
    decodings = []
    real = libav._decode
    monkeypatch.setattr(libav, "_decode", lambda *given: decodings.append(1) or real(*given))
    Bpg().decode(data)
    assert len(decodings) == (1 if says_length else 2)


@pytest.mark.parametrize(("kind", "layer"), [({"gray": True}, 0), ({"alpha": True}, 1)], ids=str)
def test_a_wrong_hash_of_one_plane_does_not_matter(monkeypatch, kind, layer):
    monkeypatch.setattr(x265, "_PARAMETERS", (*x265._PARAMETERS, "hash=1"))
    container = demux(encode(picture(40, 30, **kind), 30, Settings()))
    units = nal.split(nal.START_CODE + container.units)
    hashed = [unit.kind == nal.HASH_SEI and unit.layer == layer for unit in units]
    wrong = [
        nal.Nal(unit.data[:-2] + bytes((unit.data[-2] ^ 0x40, 0x80))) if is_hash else unit
        for unit, is_hash in zip(units, hashed, strict=True)
    ]
    assert sum(hashed) == 1
    joined = nal.join(wrong).removeprefix(nal.START_CODE)
    decoded = Bpg().decode(mux(replace(container, units=joined)))
    assert np.array_equal(decoded.pixels, Bpg().decode(mux(container)).pixels)


def test_a_hash_in_the_stream_is_checked(monkeypatch):
    monkeypatch.setattr(x265, "_PARAMETERS", (*x265._PARAMETERS, "hash=1"))
    data = bytearray(small_file())
    assert Bpg().decode(bytes(data)).width == 40
    units = demux(bytes(data)).units
    place = len(data) - len(units) + units.index(b"\0\0\1", 10) // 2
    data[place] ^= 4
    with pytest.raises(BadInputError, match="checksum"):
        Bpg().decode(bytes(data))


def test_an_animated_file_is_refused_by_name():
    moving = mux(replace(demux(small_file()), animated=True))
    with pytest.raises(BadInputError, match="animated"):
        Bpg().decode(moving)
    assert Bpg().inspect(moving)["animated"]


def with_sps(data, **changes):
    container = demux(data)
    mini = replace(MiniSps.from_bytes(container.sps), **changes)
    return mux(replace(container, sps=mini.to_bytes()))


def test_what_only_bpgdec_decodes_is_refused_with_its_name(monkeypatch):
    rdpcm = with_sps(small_file(), extension="1" + "10000000" + "001000000")
    with pytest.raises(BadInputError, match=r"RDPCM.*bpgdec"):
        Bpg().decode(rdpcm)
    container = demux(small_file())
    deep = mux(replace(container, layout=replace(container.layout, bit_depth=14)))
    with pytest.raises(BadInputError, match=r"14 bits.*bpgdec"):
        Bpg().decode(deep)
    monkeypatch.setattr("neurocodec.codecs.bpg.codec.lookup", lambda tool: tool)
    monkeypatch.setattr(bpgdec, "decode", lambda data, pixels: picture(40, 30))
    assert Bpg().decode(rdpcm).width == 40


@pytest.mark.parametrize("gray", [False, True])
def test_lossless_black_comes_back(gray):
    image = picture(40, 32, gray=gray)
    image.pixels[8:] = 0
    codec = Bpg(lossless=1)
    assert np.array_equal(codec.decode(encoded(codec, image, 0)).pixels, image.pixels)


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("qp", [5, 51])
def test_a_flat_picture_of_few_bits_is_whole(value, qp):
    for width, height in ((1, 1), (64, 64)):
        pixels = np.full((height, width, 3), value, np.uint8)
        for image in (Image(pixels), Image(pixels, gray=True), Image(pixels, pixels[..., 0])):
            data = encode(image, qp, Settings(effort=1))
            assert Bpg().decode(data).pixels.shape == pixels.shape


def test_words_of_zeros_after_a_picture_change_nothing():
    container = demux(small_file())
    filled = mux(replace(container, units=container.units + b"\0\0\3" * 9))
    assert np.array_equal(Bpg().decode(filled).pixels, Bpg().decode(mux(container)).pixels)


def test_premultiplied_and_white_planes_of_others_are_read():
    image = picture(40, 30, alpha=True)
    container = demux(encode(image, 4, Settings("444")))
    straight = Bpg().decode(mux(container))
    divided = Bpg().decode(mux(replace(container, alpha="premultiplied")))
    assert np.array_equal(divided.alpha, straight.alpha)
    assert np.array_equal(divided.pixels, colour.divide_by_alpha(straight.pixels, straight.alpha))
    darkened = Bpg().decode(mux(replace(container, alpha="white")))
    assert darkened.alpha is None
    expected = colour.multiply_by_white(straight.pixels, straight.alpha, 8)
    assert np.array_equal(darkened.pixels, expected)


@pytest.mark.slow
def test_a_large_picture_goes_through():
    smooth = np.add.outer(np.arange(4320) // 20, np.arange(7680) // 40).astype(np.uint8)
    image = Image(np.repeat(smooth[..., None], 3, axis=2))
    codec = Bpg(effort=1)
    assert psnr_db(codec.decode(encoded(codec, image, 45)), image) > 30


def test_a_photograph(data_folder):
    path = data_folder("kodak") / "kodim23.png"
    image = images.read(path.read_bytes(), path.name)
    codec = Bpg()
    data = encoded(codec, image, 28)
    assert psnr_db(codec.decode(data), image) > 36
    assert codec.inspect(data)["slice_qp"] == 25
