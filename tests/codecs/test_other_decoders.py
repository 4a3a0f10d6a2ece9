"""A real photograph at the QPs of the curves: decoders that are not ours show the same picture."""

from pathlib import Path

import numpy as np
import pytest

from neurocodec import codecs, images, tools
from neurocodec.codecs import libav, qp_tables
from neurocodec.codecs.bpg.container import demux
from neurocodec.codecs.bpg.streams import colour_and_alpha
from neurocodec.codecs.planes import colour
from neurocodec.codecs.planes.layout import Layout, raw
from neurocodec.codecs.programs import ffmpeg
from neurocodec.images import Image
from neurocodec.tools import Program
from tests.codecs.coding import encoded

QPS = (28, 41)


@pytest.fixture(scope="module")
def photograph(data_folder) -> Image:
    path = sorted(data_folder("kodak").glob("*.png"))[4]
    whole = images.read(path.read_bytes(), path.name)
    return Image(np.ascontiguousarray(whole.pixels[100:292, 200:457]))


def shown(program: str, arguments: list[str | Path], result: Path) -> bytes:
    return tools.run(
        Program(program, Path(program), "", "path"), arguments, timeout_s=60, produces=result
    )


@pytest.mark.parametrize("qp", QPS)
def test_bpg_by_libde265(photograph, needs_tool, tmp_path, qp):
    program = needs_tool("libde265-dec265")
    data = encoded(codecs.create("bpg"), photograph, qp)
    stream, _alpha = colour_and_alpha(demux(data))
    (tmp_path / "a.hevc").write_bytes(stream.bare())
    out = tmp_path / "a.yuv"
    samples = np.frombuffer(shown(program, ["-q", "-o", out, tmp_path / "a.hevc"], out), np.uint8)
    ours = libav.decode("hevc", stream.bare()).planes
    assert samples.tobytes() == raw(ours)
    height, width = photograph.height, photograph.width
    luma = ours[0].size
    shapes = [plane.shape for plane in ours]
    ends = np.cumsum([luma, ours[1].size, ours[2].size])
    split = [part.reshape(s) for part, s in zip(np.split(samples, ends[:2]), shapes, strict=True)]
    true = [(height, width), *[(-(-height // 2), -(-width // 2))] * 2]
    cropped = [plane[:rows, :columns] for plane, (rows, columns) in zip(split, true, strict=True)]
    pixels = colour.to_pixels(cropped, Layout("420", 8))
    np.testing.assert_array_equal(pixels, codecs.create("bpg").decode(data).pixels)


@pytest.mark.parametrize("qp", QPS)
def test_jpeg_by_djpeg(photograph, needs_tool, tmp_path, qp):
    program = needs_tool("djpeg")
    codec = codecs.create("jpeg")
    data = encoded(codec, photograph, qp_tables.level_at_qp("jpeg", qp))
    (tmp_path / "a.jpg").write_bytes(data)
    out = tmp_path / "a.ppm"
    theirs = images.read(shown(program, ["-outfile", out, tmp_path / "a.jpg"], out), "djpeg's")
    assert np.abs(theirs.pixels.astype(int) - codec.decode(data).pixels).max() <= 1


@pytest.mark.parametrize("qp", QPS)
def test_jpeg2000_by_opj_decompress(photograph, needs_tool, tmp_path, qp):
    program = needs_tool("opj_decompress")
    codec = codecs.create("jpeg2000")
    data = encoded(codec, photograph, qp_tables.level_at_qp("jpeg2000", qp))
    (tmp_path / "a.jp2").write_bytes(data)
    out = tmp_path / "a.ppm"
    theirs = images.read(shown(program, ["-i", tmp_path / "a.jp2", "-o", out], out), "opj's")
    assert np.abs(theirs.pixels.astype(int) - codec.decode(data).pixels).max() <= 1


@pytest.mark.parametrize("qp", QPS)
def test_vvc_by_the_ffmpeg_program(photograph, tmp_path, qp):
    codec = codecs.create("vvc:preset=faster")
    data = encoded(codec, photograph, qp)
    (tmp_path / "a.266").write_bytes(data)
    size = (photograph.height, photograph.width + photograph.width % 2)
    samples = np.frombuffer(
        tools.run(
            tools.find(ffmpeg.FFMPEG),
            ["-i", tmp_path / "a.266", "-f", "rawvideo", "pipe:1"],
            timeout_s=60,
        ),
        "<u2",
    )
    luma = size[0] * size[1]
    parts = np.split(samples, [luma, luma + luma // 4])
    planes = [parts[0].reshape(size), *(p.reshape(size[0] // 2, size[1] // 2) for p in parts[1:])]
    shown_picture = colour.to_pixels(planes, Layout("420", 10))
    decoded = codec.decode(data).pixels
    assert decoded.shape == photograph.pixels.shape
    np.testing.assert_array_equal(shown_picture[:, :-4], decoded[:, :-3])
