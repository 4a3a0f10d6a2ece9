"""neurocodec-bpgenc and neurocodec-bpgdec, as scripts written for libbpg call them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from neurocodec import images, tools
from neurocodec.codecs import Level, create
from neurocodec.codecs.programs import bpgdec, bpgenc
from tests.conftest import picture

PROGRAMS = Path(sys.executable).parent


def run(name: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [PROGRAMS / f"neurocodec-{name}", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    path.write_bytes(images.png(picture(64, 40, alpha=True)))
    return path


@pytest.mark.parametrize(("name", "kind"), [("bpgenc", "Encoder"), ("bpgdec", "Decoder")])
def test_help_opens_as_theirs_and_exits_with_1(name, kind):
    for arguments in (["-h"], []):
        done = run(name, *arguments)
        assert done.returncode == 1
        assert done.stdout.splitlines()[0].split()[:5] == ["BPG", "Image", kind, "version", "0.9.8"]


def test_a_call_as_benchmarks_make_it(tmp_path, photo):
    coded, seen = tmp_path / "a.bpg", tmp_path / "b.png"
    arguments = ["-q", 34, "-f", "444", "-e", "x265", "-c", "ycbcr", "-b", "8"]
    assert run("bpgenc", "-o", coded, *arguments, photo).returncode == 0
    image = images.read(photo.read_bytes(), "x")
    assert coded.read_bytes() == create("bpg", chroma="444").encode(image, Level("qp", 34))
    assert run("bpgdec", "-o", seen, coded).returncode == 0
    decoded = create("bpg").decode(coded.read_bytes())
    np.testing.assert_array_equal(np.asarray(PIL.Image.open(seen))[..., :3], decoded.pixels)
    said = run("bpgdec", "-i", coded).stdout
    assert said == "size=64x40 color_space=YCbCr alpha=1 format=4:4:4 bit_depth=8\n"


def test_lossless_with_attached_values(tmp_path, photo):
    coded, seen = tmp_path / "a.bpg", tmp_path / "b.png"
    assert run("bpgenc", "-lossless", "-alphaq", "0", "-m1", "-o", coded, photo).returncode == 0
    assert run("bpgdec", "-o", seen, coded).returncode == 0
    original, back = (np.asarray(PIL.Image.open(path)) for path in (photo, seen))
    np.testing.assert_array_equal(original, back)


def test_ppm_has_three_channels_whatever_is_in_the_file(tmp_path):
    gray = tmp_path / "gray.png"
    gray.write_bytes(images.png(picture(20, 12, gray=True)))
    run("bpgenc", "-o", tmp_path / "a.bpg", gray)
    assert run("bpgdec", "-o", tmp_path / "a.ppm", tmp_path / "a.bpg").returncode == 0
    assert (tmp_path / "a.ppm").read_bytes().startswith(b"P6\n20 12\n255\n")
    assert "color_space=Gray" in run("bpgdec", "-i", tmp_path / "a.bpg").stdout


@pytest.mark.parametrize(
    "arguments", [["-q", "52"], ["-e", "jctvc"], ["-b", "9"], ["-c", "hsv"], ["-f", "411"], ["-a"]]
)
def test_what_is_not_here_exits_with_1_and_writes_nothing(tmp_path, photo, arguments):
    done = run("bpgenc", *arguments, "-o", tmp_path / "a.bpg", photo)
    assert done.returncode == 1
    assert done.stderr
    assert not (tmp_path / "a.bpg").exists()


def test_a_bad_file_exits_with_1(tmp_path):
    (tmp_path / "x.bpg").write_bytes(b"BPG\xfbnonsense")
    done = run("bpgdec", "-o", tmp_path / "a.png", tmp_path / "x.bpg")
    assert done.returncode == 1
    assert "x.bpg" in done.stderr


def test_a_drop_in_on_path_is_not_taken_for_the_real_one(tmp_path, monkeypatch):
    for name in ("bpgenc", "bpgdec"):
        (tmp_path / name).symlink_to(PROGRAMS / f"neurocodec-{name}")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    tools._probe.cache_clear()
    assert tools.lookup(bpgenc.BPGENC) is None
    assert tools.lookup(bpgdec.BPGDEC) is None
    data = create("bpg").encode(picture(24, 24), Level("qp", 30))
    assert data.startswith(b"BPG\xfb")


def test_compressai_bench_runs_unchanged(tmp_path):
    for number in range(2):
        path = tmp_path / "set" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(images.png(picture(180, 176, seed=number)))
    command = [sys.executable, "-W", "ignore", "-m", "compressai.utils.bench", "bpg"]
    paths = [("--encoder-path", "bpgenc"), ("--decoder-path", "bpgdec")]
    options = [part for key, name in paths for part in (key, PROGRAMS / f"neurocodec-{name}")]
    done = subprocess.run(
        [*command, tmp_path / "set", "-q", "34", *options],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"psnr' in done.stdout
