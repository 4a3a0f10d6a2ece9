"""The codec: pictures of every kind, settings, damaged files, metadata."""

import random
from dataclasses import replace

import numpy as np
import pytest

from neurocodec import images
from neurocodec.codecs import ffmpeg
from neurocodec.codecs.bpg import Bpg, native
from neurocodec.codecs.bpg.container import demux, mux
from neurocodec.codecs.bpg.files import encode, with_metadata
from neurocodec.codecs.streams.hevc.mini_sps import MiniSps, RangeFlags
from neurocodec.codecs.bpg.settings import Settings
from neurocodec.codecs.planes import colour
from neurocodec.errors import BadInputError, UsageError
from neurocodec.images import Image
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
    codec = Bpg(chroma, bit_depth, effort=2, in_process=True)
    image = picture(57, 43)
    data = codec.encode(image, 10)
    assert psnr_db(codec.decode(data), image) > 30
    said = codec.inspect(data)
    assert (said["chroma"], said["bit_depth"]) == (chroma[:3], bit_depth)
    assert said["chroma_siting"] == ("left" if "video" in chroma else "centre")


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 70), (70, 2), (8, 9), (9, 8), (16, 15), (17, 16)], ids=str
)
@pytest.mark.parametrize("chroma", ["420", "444"])
def test_odd_and_tiny_sizes_in_both_processes(size, chroma):
    image = picture(*size, alpha=True)
    codec = Bpg(chroma)
    data = codec.encode(image, 20)
    assert Bpg(chroma, in_process=True).encode(image, 20) == data
    assert codec.decode(data).pixels.shape == image.pixels.shape
    assert codec.decode(data).alpha.shape == image.alpha.shape


@pytest.mark.parametrize("space", ["ycbcr", "rgb", "ycgco", "ycbcr_bt709", "ycbcr_bt2020"])
@pytest.mark.parametrize("limited", [0, 1])
def test_every_color_space_keeps_the_picture(space, limited):
    codec = Bpg("444", color_space=space, limited_range=limited, effort=2, in_process=True)
    image = picture(40, 40)
    data = codec.encode(image, 4)
    assert psnr_db(codec.decode(data), image) > 37
    said = codec.inspect(data)
    assert (said["color_space"], said["limited_range"]) == (space, bool(limited))


@pytest.mark.parametrize(
    "image", [noise(33, 18), picture(20, 30, gray=True), picture(20, 30, alpha=True)]
)
def test_lossless_is(image):
    codec = Bpg(lossless=1, bit_depth=10, limited_range=1)
    data = codec.encode(image, 30)
    decoded = codec.decode(data)
    assert codec.inspect(data)["bit_depth"] == 8
    assert np.array_equal(decoded.pixels, image.pixels)
    assert decoded.gray == image.gray
    assert image.alpha is None or np.array_equal(decoded.alpha, image.alpha)


@pytest.mark.parametrize("bit_depth", [8, 10])
def test_gray_is_one_plane_and_comes_back_gray(bit_depth):
    image = picture(60, 40, gray=True, alpha=True)
    codec = Bpg(bit_depth=bit_depth)
    data = codec.encode(image, 15)
    decoded = codec.decode(data)
    assert codec.inspect(data)["chroma"] == "gray"
    assert decoded.gray
    assert (decoded.pixels == decoded.pixels[..., :1]).all()
    assert psnr_db(decoded, image) > 35


def test_alpha_has_a_qp_of_its_own():
    image = picture(80, 60, alpha=True)
    coarse, same, fine = (len(Bpg(alpha_qp=qp).encode(image, 30)) for qp in (45, 30, 5))
    assert coarse < same == len(Bpg().encode(image, 30)) < fine


def test_effort_is_worth_bits():
    image = picture(160, 120)
    fast, slow = (Bpg(effort=effort, in_process=True).encode(image, 34) for effort in (1, 8))
    assert len(slow) < len(fast)


def test_metadata_is_kept_on_request_only():
    given = {"exif": b"MM\0*" + bytes(300), "icc": b"i" * 20000, "xmp": b"<x/>"}
    image = replace(picture(30, 20), metadata={**given, "comment": b"no"})
    bare = Bpg().encode(image, 30)
    kept = Bpg(keep_metadata=True).encode(image, 30)
    assert Bpg().decode(bare).metadata == {}
    assert Bpg().decode(kept).metadata == given
    assert Bpg().inspect(kept)["metadata_bytes"] == {k: len(v) for k, v in given.items()}
    assert demux(kept).units == demux(bare).units
    assert with_metadata(kept, {}) == bare


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


def test_the_encoder_says_which_x265():
    assert Bpg().encoder.startswith("libx265 (ffmpeg ")
    assert Bpg(in_process=True).encoder.startswith("libx265 (PyAV ")
    assert Bpg(engine="x265-inprocess").encoder == Bpg(in_process=True).encoder


def test_a_file_whose_end_is_zeroed_is_bad_input():
    data = small_file()
    with pytest.raises(BadInputError, match="damaged"):
        Bpg().decode(data[:-40] + bytes(40))


def small_file(**settings):
    return encode(picture(40, 30), 34, Settings(**settings), in_process=True)


def opened(data):
    """The same picture in a file that says no length, as bpgenc writes it."""
    return mux(replace(demux(data), says_length=False))


def test_every_cut_is_bad_input():
    data = small_file(effort=1)
    for length in range(len(data)):
        with pytest.raises(BadInputError):
            Bpg().decode(data[:length])


def test_a_cut_file_that_says_no_length_is_bad_input_unless_its_picture_is_whole():
    data = opened(small_file())
    whole = Bpg().decode(data)
    unnoticed = 0
    for length in range(len(data)):
        try:
            decoded = Bpg().decode(data[:length])
        except BadInputError:
            continue
        assert np.array_equal(decoded.pixels, whole.pixels)
        unnoticed += 1
    assert unnoticed <= 1


def test_a_flipped_bit_in_the_header_is_bad_input_or_a_consistent_picture():
    for data in (small_file(), opened(small_file())):
        for bit in range(8 * 24):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 0x80 >> bit % 8
            try:
                decoded, said = Bpg().decode(bytes(flipped)), Bpg().inspect(bytes(flipped))
            except BadInputError:
                continue
            assert decoded.pixels.shape == (said["height"], said["width"], 3)


def test_flipped_bits_in_the_payload_never_crash_nor_change_the_size():
    data = small_file()
    chosen = random.Random(1)
    for _ in range(300):
        flipped = bytearray(data)
        for _ in range(chosen.randrange(1, 20)):
            flipped[chosen.randrange(20, len(data))] ^= 1 << chosen.randrange(8)
        try:
            decoded = Bpg().decode(bytes(flipped))
        except BadInputError:
            continue
        assert decoded.pixels.shape == (30, 40, 3)


def test_a_hash_in_the_stream_is_checked(monkeypatch):
    from neurocodec.codecs.bpg import x265

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
    rdpcm = with_sps(small_file(), range_flags=RangeFlags(tuple(i == 2 for i in range(9))))
    with pytest.raises(BadInputError, match=r"RDPCM.*bpgdec"):
        Bpg().decode(rdpcm)
    container = demux(small_file())
    deep = mux(replace(container, layout=replace(container.layout, bit_depth=14)))
    with pytest.raises(BadInputError, match=r"14 bits.*bpgdec"):
        Bpg().decode(deep)
    monkeypatch.setattr("neurocodec.codecs.bpg.codec.lookup", lambda tool: tool)
    monkeypatch.setattr(native, "decode", lambda data: picture(40, 30))
    assert Bpg().decode(rdpcm).width == 40


def test_a_header_that_promises_a_wider_picture_is_bad_input():
    with pytest.raises(BadInputError, match="damaged"):
        Bpg().decode(mux(replace(demux(small_file()), width=400)))


KINDS = [{}, {"chroma": "444", "bit_depth": 10}, {"color_space": "rgb"}]
OTHER_SIZES = [
    *[(128, 64), (128, 120), (64, 128), (120, 128)],
    *[(128, 136), (128, 192), (136, 128), (192, 128), (256, 128)],
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("black", [False, True])
def test_a_header_that_says_another_size_is_bad_input_and_black_is_none(kind, gray, black):
    image = picture(128, 128, gray=gray)
    if black:
        image.pixels[60:] = 0
    codec = Bpg(effort=2, in_process=True, **kind)
    container = demux(codec.encode(image, 30))
    assert psnr_db(codec.decode(mux(container)), image) > 28
    for width, height in OTHER_SIZES:
        with pytest.raises(BadInputError):
            codec.decode(mux(replace(container, width=width, height=height)))


@pytest.mark.parametrize("gray", [False, True])
def test_lossless_black_is_not_taken_for_what_was_never_coded(gray):
    image = picture(40, 32, gray=gray)
    image.pixels[8:] = 0
    codec = Bpg(lossless=1, in_process=True)
    assert np.array_equal(codec.decode(codec.encode(image, 0)).pixels, image.pixels)


@pytest.mark.parametrize("value", [0, 77, 128, 255])
@pytest.mark.parametrize("qp", [5, 35, 51])
def test_a_flat_picture_of_few_bits_is_whole(value, qp):
    for width, height in ((1, 1), (8, 8), (64, 64), (224, 224)):
        pixels = np.full((height, width, 3), value, np.uint8)
        for image in (Image(pixels), Image(pixels, gray=True), Image(pixels, pixels[..., 0])):
            data = encode(image, qp, Settings(effort=1), in_process=True)
            assert Bpg().decode(data).pixels.shape == pixels.shape


def test_words_of_zeros_after_a_picture_change_nothing():
    container = demux(small_file())
    filled = mux(replace(container, units=container.units + b"\0\0\3" * 9))
    assert np.array_equal(Bpg().decode(filled).pixels, Bpg().decode(mux(container)).pixels)
    cropped = mux(replace(demux(filled), height=16))
    with pytest.raises(BadInputError, match="smaller"):
        Bpg().decode(cropped)


def test_premultiplied_and_white_planes_of_others_are_read():
    image = picture(40, 30, alpha=True)
    container = demux(encode(image, 4, Settings("444"), in_process=True))
    straight = Bpg().decode(mux(container))
    divided = Bpg().decode(mux(replace(container, alpha="premultiplied")))
    assert np.array_equal(divided.alpha, straight.alpha)
    assert np.array_equal(divided.pixels, colour.divide_by_alpha(straight.pixels, straight.alpha))
    darkened = Bpg().decode(mux(replace(container, alpha="white")))
    assert darkened.alpha is None
    expected = colour.multiply_by_white(straight.pixels, straight.alpha, 8)
    assert np.array_equal(darkened.pixels, expected)


def test_a_large_picture_goes_through():
    smooth = np.add.outer(np.arange(4320) // 20, np.arange(7680) // 40).astype(np.uint8)
    image = Image(np.repeat(smooth[..., None], 3, axis=2))
    codec = Bpg(effort=1)
    assert psnr_db(codec.decode(codec.encode(image, 45)), image) > 30


def test_a_photograph(data_folder):
    path = data_folder("kodak") / "kodim23.png"
    image = images.read(path.read_bytes(), path.name)
    codec = Bpg()
    data = codec.encode(image, 28)
    assert psnr_db(codec.decode(data), image) > 36
    assert codec.inspect(data)["slice_qp"] == 25


@pytest.mark.parametrize("settings", [Settings(), Settings(chroma="444", color_space="rgb")])
@pytest.mark.parametrize("kind", [{"alpha": True}, {"gray": True}], ids=str)
def test_a_trusted_file_decodes_alike_and_once(settings, kind, monkeypatch):
    data = encode(picture(50, 41, **kind), 30, replace(settings, effort=2), in_process=True)
    doubting, trusting = Bpg(), Bpg(trusted=1)
    whole = doubting.decode(data)
    asked = []
    real = ffmpeg.decode
    monkeypatch.setattr(
        ffmpeg, "decode", lambda *given, **how: asked.append(how) or real(*given, **how)
    )

    trusted = trusting.decode(data)

    assert len(asked) == 1 + ("alpha" in kind)
    assert not any(value for how in asked for value in how.values())
    assert np.array_equal(trusted.pixels, whole.pixels)
    assert trusted.gray == whole.gray
    if "alpha" in kind:
        assert np.array_equal(trusted.alpha, whole.alpha)
