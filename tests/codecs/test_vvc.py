"""VVC: what stock decoders show, foreign streams, the programs' part, damage, what inspect says."""

import functools
import os
import random
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocodec import codecs, images, tools
from neurocodec.codecs import ffmpeg
from neurocodec.codecs.bpg.colour import to_pixels, to_planes
from neurocodec.codecs.bpg.layout import Layout
from neurocodec.codecs.vvc import Vvc, fitting, nal, programs, still
from neurocodec.codecs.vvc.sps import Colour, hidden, read_sps
from neurocodec.errors import BadInputError, MissingError, ToolError, UsageError
from neurocodec.images import Image
from tests.conftest import picture, psnr_db

SIZES = [(1, 1), (2, 5), (13, 12), (14, 14), (30, 18), (65, 47), (64, 48)]

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
    return Vvc(engine="vvenc").encode(picture(width, height), qp)


def by_libvvenc(planes, *options: str, qp: int = 30) -> bytes:
    """A stream as others write it."""
    fixed = ["-c:v", "libvvenc", "-preset", "faster", "-qp", str(qp), "-qpa", "0", "-threads", "1"]
    return ffmpeg.encode(planes, "yuv420p10le", [*fixed, *options], "vvc")


@functools.cache
def foreign(*options: str, color_space: str = "ycbcr", limited_range: bool = True) -> bytes:
    layout = Layout("420", 10, color_space, limited_range=limited_range, left=True)
    return by_libvvenc(to_planes(picture(66, 50).pixels, layout), *options)


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
    planes = programs.decode_by_ffmpeg(data, Layout("420", 10), *shown, may_be_cut=False)
    said, words = shown_by_ffmpeg(path)
    assert said == ffmpeg.raw(planes)
    assert f"{shown[0]}x{shown[1]}" in words
    assert "yuv420p10le(pc, bt470bg/bt709/iec61966-2-1" in words
    decoded = Vvc(engine="vvenc").decode(data)
    assert (decoded.width, decoded.height) == size
    rows, columns = (size[1] + 1) // 2, (size[0] + 1) // 2
    cut = [planes[0][: size[1], : size[0]], *(plane[:rows, :columns] for plane in planes[1:])]
    assert (decoded.pixels == to_pixels(cut, Layout("420", 10))).all()


def test_the_beyond_of_an_odd_size_repeats_the_edge():
    data = Vvc().encode(Image(np.full((9, 9, 3), (200, 40, 90), np.uint8)), 20)
    luma = ffmpeg.decode("vvc", data).planes[0].astype(int)
    assert luma.shape == (10, 10)
    assert np.abs(luma - luma[0, 0]).max() <= 4


def test_slices_are_the_encoders_own_and_the_headers_are_short():
    planes = to_planes(picture(64, 48).pixels, Layout("420", 10))
    stream = programs.encode_by_ffmpeg(planes, 34, "fast")
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
        "qp": 31,
    }


def test_streams_of_older_formats_are_not_taken_for_it():
    planes = to_planes(picture(64, 64).pixels, Layout("420"))
    for encoder, container in (("libx265", "hevc"), ("libkvazaar", "hevc"), ("libx264", "h264")):
        stream = ffmpeg.encode(planes, "yuv420p", ["-c:v", encoder], container)
        assert not Vvc.recognises(stream)
        with pytest.raises(BadInputError, match=r"not a \.266"):
            Vvc().decode(stream)
    assert Vvc.recognises(coded(64, 48))
    assert Vvc.recognises(coded(64, 48)[1:])  # a short start code
    assert Vvc.recognises(b"\0\0\1" + nal.header(20))
    assert not Vvc.recognises(b"\1" + coded(64, 48))
    assert not Vvc.recognises(b"\0\0\0\1")


@pytest.mark.parametrize("growth", [8, 24])
def test_more_bits_than_the_program_has_room_for(growth):
    noise = np.random.default_rng(0).integers(0, 256, (growth, 16, 3), np.uint8)
    image = Image(noise.repeat(2, 0).repeat(2, 1))
    data = Vvc(preset="faster", engine="vvenc").encode(image, 0)
    assert psnr_db(Vvc().decode(data), image) > 40


def test_settings_and_pictures_out_of_range_are_refused():
    for settings_given in ({"preset": "best"}, {"engine": "vtm"}, {"chroma": "444"}):
        with pytest.raises(UsageError, match=next(iter(settings_given))):
            Vvc(**settings_given)
    wide = Image(np.zeros((1, 25_329, 3), np.uint8))
    with pytest.raises(UsageError, match="too large"):
        Vvc().encode(wide, 40)
    assert codecs.create("vvc:preset=faster:engine=vvenc").encode(picture(16, 16), 40)


# Streams of others.


def test_without_a_word_on_colour_it_is_what_ffmpeg_takes_it_for():
    decoded = Vvc().decode(foreign())
    assert psnr_db(decoded, picture(66, 50)) > 26
    full = Vvc().decode(foreign(limited_range=False))
    assert psnr_db(full, picture(66, 50)) < 26


def test_the_signalled_matrix_is_honoured(tmp_path):
    tags = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
    # libvvenc has the colour from its input, so tag that.
    data = foreign("-vf", "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709", *tags,
                   color_space="ycbcr_bt709")
    assert Vvc().inspect(data)["matrix"] == "bt709"
    decoded = Vvc().decode(data)
    assert psnr_db(decoded, picture(66, 50)) > 26
    (tmp_path / "x.266").write_bytes(data)
    raw, _ = shown_by_ffmpeg(tmp_path / "x.266", "-pix_fmt", "rgb24")
    theirs = Image(np.frombuffer(raw, np.uint8).reshape(50, 66, 3))
    assert psnr_db(decoded, theirs) > 32
