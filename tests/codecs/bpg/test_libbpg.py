"""bpgenc and bpgdec as outside programs, played by scripts of the same manners."""

from dataclasses import replace

import numpy as np
import pytest

from neurocodec import images, tools
from neurocodec.codecs.bpg import Bpg
from neurocodec.codecs.bpg.container import demux, mux
from neurocodec.codecs.bpg.files import encode
from neurocodec.codecs.bpg.settings import Settings
from neurocodec.codecs.programs import bpgdec, bpgenc
from neurocodec.codecs.streams.hevc.sps import MiniSps
from neurocodec.errors import BadInputError, MissingError, ToolError
from tests.codecs.coding import encoded
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
target.write_bytes(encode(image, qp, Settings(effort=1)))
"""
DECODES = """
import dataclasses
from neurocodec import images
from neurocodec.codecs.bpg import Bpg
target.write_bytes(images.png(dataclasses.replace(Bpg().decode(source), gray=False)))
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
    log = install(bpgenc.BPGENC, ENCODES)
    image = picture(40, 30)
    codec = Bpg()
    data = encoded(codec, image, 33)
    assert data == encode(image, 33, Settings(effort=1))
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
    assert encoded(Bpg(engine="x265"), image, 33) != data


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
    log = install(bpgenc.BPGENC, ENCODES)
    encoded(Bpg(engine="bpgenc", **settings), picture(20, 20), 33)
    said = log.read_text()
    assert str(expected)[1:-1].replace("'", '"') in said


@pytest.mark.parametrize(
    ("size", "settings", "by_x265"),
    [
        ((24, 64), {}, True),
        ((25, 9), {}, False),
        ((25, 8), {}, True),
        ((56, 64), {"bit_depth": 10}, True),
        ((57, 64), {"bit_depth": 10}, False),
    ],
    ids=str,
)
def test_a_size_at_which_bpgenc_crashes_goes_to_the_bundled_x265(
    install, caplog, size, settings, by_x265
):
    log = install(bpgenc.BPGENC, ENCODES)
    image, codec = picture(*size), Bpg(effort=1, **settings)
    with caplog.at_level("INFO", "neurocodec"):
        data = encoded(codec, image, 30)
    assert Bpg().decode(data).pixels.shape == image.pixels.shape
    assert log.exists() != by_x265
    assert ("x265 codes it, not bpgenc" in caplog.text) == by_x265
    assert codec.encoder_for(image).startswith("libx265" if by_x265 else "bpgenc")
    assert codec.encoder.startswith("bpgenc")
    encoded(Bpg(engine="bpgenc", effort=1), image, 30)
    assert log.exists()


CRASHES = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"


def test_where_bpgenc_crashes_the_bundled_x265_codes_the_picture(install, caplog):
    install(bpgenc.BPGENC, CRASHES)
    image, codec = picture(40, 30), Bpg(effort=1)
    with caplog.at_level("INFO", "neurocodec"):
        data = encoded(codec, image, 30)
    assert data == encode(image, 30, Settings(effort=1))
    assert "SIGSEGV" in caplog.text
    assert codec.encoder_for(image).startswith("libx265")
    assert codec.encoder_for(picture(40, 32)).startswith("bpgenc")
    with pytest.raises(ToolError, match="SIGSEGV"):
        encoded(Bpg(engine="bpgenc"), image, 30)


def test_metadata_goes_into_what_bpgenc_wrote_and_not_into_what_it_reads(install):
    refuses = "if b'eXIf' in source or b'iTXt' in source: sys.exit('metadata')"
    install(bpgenc.BPGENC, refuses + ENCODES)
    image = replace(picture(40, 30), metadata={"exif": b"MM\0*1234", "xmp": b"<x/>"})
    data = encoded(Bpg(keep_metadata=True), image, 30)
    assert Bpg().decode(data).metadata == image.metadata
    assert Bpg().decode(encoded(Bpg(), image, 30)).metadata == {}


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
    install(bpgenc.BPGENC, work)
    with pytest.raises(ToolError, match=complaint):
        encoded(Bpg(engine="bpgenc"), picture(20, 20), 30)


def test_a_bpgenc_that_codes_another_picture_is_a_tool_error(install):
    other = encode(picture(16, 24), 30, Settings(effort=1))
    install(bpgenc.BPGENC, f"target.write_bytes({other!r})")
    with pytest.raises(ToolError, match="16×24"):
        encoded(Bpg(engine="bpgenc"), picture(20, 20), 30)


def test_a_program_that_is_no_bpgenc_is_refused(install):
    install(bpgenc.BPGENC, "", template="#!/bin/sh\necho hello\n")
    with pytest.raises(MissingError, match="bpgenc"):
        encoded(Bpg(engine="bpgenc"), picture(20, 20), 30)


def test_bpgdec_decodes_where_the_engine_is_libbpgs(install):
    log = install(bpgdec.BPGDEC, DECODES, template=DECODER)
    for image in (picture(30, 20, alpha=True), picture(30, 20, gray=True)):
        data = encode(image, 30, Settings(effort=1))
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
    install(bpgdec.BPGDEC, f"target.write_bytes({drawn!r})", template=DECODER)
    container = demux(encode(picture(30, 20), 30, Settings(effort=1)))
    flags = "1" + "10000000" + "001000000"
    mini = replace(MiniSps.from_bytes(container.sps), extension=flags)
    data = mux(replace(container, sps=mini.to_bytes()))
    assert np.array_equal(Bpg().decode(data).pixels, picture(30, 20).pixels)


def test_what_bpgdec_refuses_is_bad_input(install):
    install(bpgdec.BPGDEC, "sys.exit('Could not decode image')", template=DECODER)
    data = encode(picture(30, 20), 30, Settings(effort=1))
    with pytest.raises(BadInputError, match="Could not decode"):
        Bpg(engine="bpgenc").decode(data)


def test_the_real_programs_agree_with_ours():
    """Where libbpg is installed: its decoder's picture is ours, and its encoder's files open."""
    for tool in (bpgenc.BPGENC, bpgdec.BPGDEC):
        if tools.lookup(tool) is None:
            pytest.skip(f"{tool.name} is not installed")
    for image in (picture(57, 43), picture(57, 43, alpha=True), picture(57, 43, gray=True)):
        for settings in ({}, {"chroma": "444"}, {"bit_depth": 10}, {"color_space": "ycgco"}):
            for engine in ("x265", "bpgenc"):
                data = encoded(Bpg(engine=engine, **settings), image, 25)
                ours, theirs = Bpg().decode(data), Bpg(engine="bpgenc").decode(data)
                assert np.array_equal(ours.pixels, theirs.pixels)
