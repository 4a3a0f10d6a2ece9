"""bpgenc and bpgdec as outside programs, played by scripts of the same manners."""

from dataclasses import replace

import numpy as np
import pytest

from neurocodec import images, tools
from neurocodec.codecs.bpg import Bpg, native
from neurocodec.codecs.bpg.container import demux, mux
from neurocodec.codecs.bpg.files import encode
from neurocodec.codecs.streams.hevc.mini_sps import MiniSps, RangeFlags
from neurocodec.codecs.bpg.settings import Settings
from neurocodec.errors import BadInputError, MissingError, ToolError
from tests.conftest import picture, program_head

ENCODER = """{head}
import sys
if sys.argv[1:] == ["-h"]:
    print("BPG Image Encoder version 0.9.8")
    sys.exit(1)
import json, pathlib
arguments = sys.argv[1:]
pathlib.Path({log!r}).write_text(json.dumps(arguments))
target = pathlib.Path(arguments[arguments.index("-o") + 1])
source = pathlib.Path(arguments[-1]).read_bytes()
{work}
"""
DECODER = ENCODER.replace("Encoder", "Decoder")
ENCODES = """
from neurocodec import images
from neurocodec.codecs.bpg.files import encode
from neurocodec.codecs.bpg.settings import Settings
image = images.read(source, "in.png")
qp = int(arguments[arguments.index("-q") + 1])
target.write_bytes(encode(image, qp, Settings(effort=1), in_process=True))
"""
DECODES = """
import dataclasses
from neurocodec import images
from neurocodec.codecs.bpg.container import demux
from neurocodec.codecs.bpg.files import decode
target.write_bytes(images.png(dataclasses.replace(decode(demux(source)), gray=False)))
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that makes a program do `work` and puts it before everything else."""

    def put(tool, work, template=ENCODER):
        path = tmp_path / tool.name
        log = str(tmp_path / f"{tool.name}.log")
        path.write_text(template.format(head=program_head(), log=log, work=work))
        path.chmod(0o755)
        monkeypatch.setenv(tool.variable, str(path))
        return tmp_path / f"{tool.name}.log"

    return put


def test_bpgenc_is_used_where_it_is_found_with_nothing_left_to_its_defaults(install):
    log = install(native.BPGENC, ENCODES)
    image = picture(40, 30)
    codec = Bpg()
    data = codec.encode(image, 33)
    assert data == encode(image, 33, Settings(effort=1), in_process=True)
    assert codec.encoder == "bpgenc 0.9.8"
    said = log.read_text()
    for option in (
        '"-q", "33"',
        '"-f", "420"',
        '"-b", "8"',
        '"-c", "ycbcr"',
        '"-e", "x265"',
        '"-m", "8"',
    ):
        assert option in said
    assert Bpg(engine="x265").encode(image, 33) != data


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"chroma": "444", "bit_depth": 10}, ["-f", "444", "-b", "10"]),
        ({"color_space": "rgb"}, ["-f", "444", "-b", "8", "-c", "rgb"]),
        ({"lossless": 1}, ["-lossless", "-q", "33", "-f", "444", "-b", "8", "-c", "rgb"]),
        (
            {"alpha_qp": 7, "limited_range": 1, "effort": 3},
            ["-m", "3", "-alphaq", "7", "-limitedrange"],
        ),
    ],
    ids=str,
)
def test_settings_become_options(install, settings, expected):
    log = install(native.BPGENC, ENCODES)
    Bpg(**settings).encode(picture(20, 20), 33)
    said = log.read_text()
    assert str(expected)[1:-1].replace("'", '"') in said


def test_a_picture_too_small_for_bpgenc_goes_to_the_bundled_x265(install):
    log = install(native.BPGENC, ENCODES)
    tiny = picture(8, 40)
    assert Bpg().decode(Bpg().encode(tiny, 30)).pixels.shape == (40, 8, 3)
    assert not log.exists()
    Bpg(engine="bpgenc").encode(tiny, 30)
    assert log.exists()


def test_metadata_goes_into_what_bpgenc_wrote_and_not_into_what_it_reads(install):
    refuses = "if b'eXIf' in source or b'iTXt' in source: sys.exit('metadata')"
    install(native.BPGENC, refuses + ENCODES)
    image = replace(picture(40, 30), metadata={"exif": b"MM\0*1234", "xmp": b"<x/>"})
    data = Bpg(keep_metadata=True).encode(image, 30)
    assert Bpg().decode(data).metadata == image.metadata
    assert Bpg().decode(Bpg().encode(image, 30)).metadata == {}


@pytest.mark.parametrize(
    ("work", "complaint"),
    [
        ("sys.exit('no memory')", "exit code 1: no memory"),
        ("pass", "did not produce"),
        ("target.touch()", "did not produce"),
        ("target.write_bytes(b'garbage' * 9)", "something else"),
        ("target.write_bytes(source)", "something else"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    ],
)
def test_a_failing_bpgenc_is_a_tool_error(install, work, complaint):
    install(native.BPGENC, work)
    with pytest.raises(ToolError, match=complaint):
        Bpg().encode(picture(20, 20), 30)


def test_a_bpgenc_that_codes_another_picture_is_a_tool_error(install):
    other = encode(picture(16, 24), 30, Settings(effort=1), in_process=True)
    install(native.BPGENC, f"target.write_bytes({other!r})")
    with pytest.raises(ToolError, match="16×24"):
        Bpg().encode(picture(20, 20), 30)


def test_a_program_that_is_no_bpgenc_is_refused(install):
    install(native.BPGENC, "", template="#!/bin/sh\necho hello\n")
    with pytest.raises(MissingError, match="bpgenc"):
        Bpg(engine="bpgenc").encode(picture(20, 20), 30)


def test_bpgdec_decodes_where_the_engine_is_libbpgs(install):
    log = install(native.BPGDEC, DECODES, template=DECODER)
    for image in (picture(30, 20, alpha=True), picture(30, 20, gray=True)):
        data = encode(image, 30, Settings(effort=1), in_process=True)
        ours = Bpg().decode(data)
        assert not log.exists()
        theirs = Bpg(engine="bpgenc").decode(data)
        assert log.exists()
        log.unlink()
        assert np.array_equal(theirs.pixels, ours.pixels)
        assert theirs.gray == ours.gray
        assert (theirs.alpha is None) == (ours.alpha is None)


def test_bpgdec_decodes_what_ffmpeg_cannot(install):
    drawn = images.png(picture(30, 20))
    install(native.BPGDEC, f"target.write_bytes({drawn!r})", template=DECODER)
    container = demux(encode(picture(30, 20), 30, Settings(effort=1), in_process=True))
    flags = RangeFlags(tuple(index == 2 for index in range(9)))
    mini = replace(MiniSps.from_bytes(container.sps), range_flags=flags)
    data = mux(replace(container, sps=mini.to_bytes()))
    assert np.array_equal(Bpg().decode(data).pixels, picture(30, 20).pixels)


def test_what_bpgdec_refuses_is_bad_input(install):
    install(native.BPGDEC, "sys.exit('Could not decode image')", template=DECODER)
    data = encode(picture(30, 20), 30, Settings(effort=1), in_process=True)
    with pytest.raises(BadInputError, match="Could not decode"):
        Bpg(engine="bpgenc").decode(data)


def test_the_real_programs_agree_with_ours():
    """Where libbpg is installed: its decoder's picture is ours, and its encoder's files open."""
    for tool in (native.BPGENC, native.BPGDEC):
        if tools.lookup(tool) is None:
            pytest.skip(f"{tool.name} is not installed")
    for image in (picture(57, 43), picture(57, 43, alpha=True), picture(57, 43, gray=True)):
        for settings in ({}, {"chroma": "444"}, {"bit_depth": 10}, {"color_space": "ycgco"}):
            for engine in ("x265", "bpgenc"):
                data = Bpg(engine=engine, **settings).encode(image, 25)
                ours, theirs = Bpg().decode(data), Bpg(engine="bpgenc").decode(data)
                assert np.array_equal(ours.pixels, theirs.pixels)
