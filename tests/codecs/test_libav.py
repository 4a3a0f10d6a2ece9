"""The bundled ffmpeg, and its libraries in this process: planes come back, complaints are heard."""

import subprocess
import sys

import numpy as np
import pytest

from neurocodec import tools
from neurocodec.codecs import libav
from neurocodec.codecs.planes.layout import raw
from neurocodec.codecs.programs import ffmpeg
from neurocodec.errors import BadInputError
from tests.codecs.coding import by_ffmpeg


def plane(height=16, width=24, dtype=np.uint8):
    return (np.arange(height * width) % 256).reshape(height, width).astype(dtype)


@pytest.fixture(scope="module")
def stream():
    return libav.encode([plane(64, 64)], "gray", "libx265", {"x265-params": "log-level=none"})


def test_the_bundled_program_is_found_before_one_on_path(tmp_path, monkeypatch):
    other = tmp_path / "ffmpeg"
    other.write_text("#!/bin/sh\necho ffmpeg version 1.0\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv(ffmpeg.FFMPEG.variable, raising=False)
    assert tools.find(ffmpeg.FFMPEG).source == "bundled"
    monkeypatch.setenv(ffmpeg.FFMPEG.variable, str(other))
    assert tools.find(ffmpeg.FFMPEG).version == "1.0"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_raw_is_rows_in_little_endian(dtype):
    planes = [plane(3, 5, dtype), plane(2, 4, dtype)[:, ::2]]
    expected = b"".join(p.astype(np.dtype(dtype).newbyteorder("<")).tobytes() for p in planes)
    assert raw(planes) == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("layout", ["yuv420p", "yuv444p", "gray"])
def test_planes_come_back_from_a_lossless_stream(layout, dtype):
    colours = {"yuv420p": [plane(8, 12, dtype)] * 2, "yuv444p": [plane(16, 24, dtype)] * 2}
    planes = [plane(16, 24, dtype), *colours.get(layout, [])]
    name = layout + ("10le" if dtype == np.uint16 else "")
    parameters = "lossless=1:log-level=none"
    by_library = libav.encode(planes, name, "libx265", {"x265-params": parameters})
    by_program = by_ffmpeg(planes, name, ["-c:v", "libx265", "-x265-params", parameters], "hevc")
    for coded in (by_library, by_program):
        frame = libav.decode("hevc", coded)
        assert frame.pixel_format == name
        assert all(map(np.array_equal, frame.planes, planes))


def test_damage_is_not_printed(stream, capfd):
    with pytest.raises(BadInputError, match="damaged"):
        libav.decode("hevc", stream[:20] + stream[60:])
    assert capfd.readouterr() == ("", "")


def test_what_the_library_logs_elsewhere_is_not_printed():
    code = "from neurocodec.codecs import libav; av = libav.library(); av.logging.log(8, 'a', 'b')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\1", b"\0\0\1\x40", b"noise" * 99])
def test_what_holds_no_picture_is_bad_input(data):
    for codec in ("hevc", "vvc"):
        with pytest.raises(BadInputError):
            libav.decode(codec, data, may_be_cut=True)


def test_two_pictures_are_bad_input(stream):
    with pytest.raises(BadInputError):
        libav.decode("hevc", stream + stream)


def test_a_cut_slice_is_noticed_on_request(stream):
    assert np.array_equal(
        libav.decode("hevc", stream, may_be_cut=True).planes[0],
        libav.decode("hevc", stream).planes[0],
    )
    libav.decode("hevc", stream[:-20])
    with pytest.raises(BadInputError):
        libav.decode("hevc", stream[:-20], may_be_cut=True)


def test_importing_it_imports_no_library():
    code = "import sys, neurocodec.codecs.bpg; print('av' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
