"""neurocodec-bpgenc and neurocodec-bpgdec, as scripts written for libbpg call them."""

import io
import os
import shutil
import struct
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from neurocodec import images, tools
from neurocodec.cli import console
from neurocodec.codecs import Level, create, libav
from neurocodec.codecs.bpg.container import Container, demux, mux
from neurocodec.codecs.bpg.streams import colour_and_alpha
from neurocodec.codecs.programs.bpgdec import BPGDEC
from neurocodec.codecs.programs.bpgenc import BPGENC
from neurocodec.codecs.streams.hevc import nal
from neurocodec.dropins import command
from neurocodec.dropins.bpgdec import bpgdec
from neurocodec.dropins.bpgenc import bpgenc
from neurocodec.errors import BadInputError, UsageError
from tests.conftest import picture
from tests.picture_files import icc_profile, png_file

PROGRAMS = Path(sys.executable).parent
ROOT = Path(__file__).parent.parent.parent


def run(name: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [PROGRAMS / f"neurocodec-{name}", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def encoded(source: Path, *arguments: str) -> Container:
    """The .bpg that bpgenc makes of a file, beside it as a.bpg."""
    target = source.with_name("a.bpg")
    bpgenc([*arguments, "-o", str(target), str(source)])
    return demux(target.read_bytes())


def decoded(folder: Path, *arguments: str) -> np.ndarray:
    """The samples that bpgdec reads from a.bpg."""
    target = folder / "seen.png"
    bpgdec([*arguments, "-o", str(target), str(folder / "a.bpg")])
    return images.read_stored(target.read_bytes(), "x").samples


def planes(bpg: Container) -> list[np.ndarray]:
    """The decoded planes of the colour stream, at the coded size."""
    return libav.decode("hevc", colour_and_alpha(bpg)[0].bare()).planes


def jpeg(path: Path, mode: str = "RGB", size: tuple[int, int] = (64, 40), **options) -> Path:
    source = PIL.Image.fromarray(picture(*size).pixels).convert(mode)
    source.save(path, "JPEG", quality=90, **options)
    return path


@pytest.fixture(autouse=True)
def no_logging_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is logged stays as the tests have it, though drop-ins run in this process."""
    monkeypatch.setattr(console, "set_up", lambda verbosity: None)


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
    arguments = ["-q", 34, "-f", "444", "-e", "x265", "-c", "ycbcr", "-b", "8", "-m 8"]
    assert run("bpgenc", "-o", coded, *arguments, photo).returncode == 0
    image = images.read(photo.read_bytes(), "x")
    codec = create("bpg:chroma=444:engine=x265")
    assert coded.read_bytes() == codec.encode(image, Level("qp", 34))
    assert run("bpgdec", "-o", seen, coded).returncode == 0
    pixels = np.asarray(PIL.Image.open(seen))
    np.testing.assert_array_equal(pixels[..., :3], codec.decode(coded.read_bytes()).pixels)
    assert run("bpgdec", "-i", coded).stdout == (
        "size=64x40 color_space=YCbCr alpha=1 premul=0 format=4:4:4 "
        "limited_range=0 bit_depth=8 animation=0\n"
    )


def test_lossless_with_attached_values(tmp_path, photo):
    encoded(photo, "-lossless", "-alphaq", "0", "-m1")
    np.testing.assert_array_equal(decoded(tmp_path), np.asarray(PIL.Image.open(photo)))


@pytest.mark.parametrize(
    ("arguments", "options", "operands"),
    [
        (["-q34", "in", "-o", "out"], [("q", "34"), ("o", "out")], ["in"]),
        (["-l", "in"], "option --l not a unique prefix: -h lists", None),
        (["-los", "--lim"], [("lossless", ""), ("limitedrange", "")], []),
        (["-alph", "3", "--alphaq=4"], [("alphaq", "3"), ("alphaq", "4")], []),
        (["-a", "-al", "5"], [("a", ""), ("alphaq", "5")], []),
        (["-vv", "-va", "-f", "-1"], [*(("v", ""),) * 3, ("a", ""), ("f", "-1")], []),
        (["-", "--", "-v"], [], ["-", "-v"]),
        (["-hash", "-ha", "-h"], [("hash", ""), ("hash", ""), ("h", "")], []),
        (["-f444", "-fps", "5", "-fp=6"], [("f", "444"), ("fps", "5"), ("fps", "6")], []),
        (["-x"], "option -x not recognized: -h", None),
        (["-hash=1"], "option --hash must not have an argument", None),
        (["-q"], "option -q requires argument", None),
        (["-alphaq"], "option --alphaq requires argument", None),
    ],
)
def test_options_are_read_as_getopt_long_only_reads_them(arguments, options, operands):
    long = ("hash", "keepmetadata", "alphaq=", "lossless", "limitedrange", "loop=", "fps=")
    if operands is None:
        with pytest.raises(UsageError, match=options):
            command.parse(arguments, "q:o:hf:va", long)
    else:
        assert command.parse(arguments, "q:o:hf:va", long) == (options, operands)


def test_numbers_are_read_as_atoi_reads_them():
    texts = ["34", " 9", "34.7", "-1", "+5x", "", "x"]
    assert [command.number(text) for text in texts] == [34, 9, 34, -1, 5, 0, 0]


@pytest.mark.parametrize(
    "arguments",
    [
        *(["-q", "52"], ["-e", "jctvc"], ["-b", "9"], ["-c", "hsv"], ["-f", "411"]),
        *(["-alphaq", "52"], ["-a"]),
    ],
)
def test_what_is_not_here_is_refused_by_its_option(tmp_path, photo, arguments):
    with pytest.raises(UsageError, match=f"^{' '.join(arguments)}: "):
        bpgenc([*arguments, "-o", str(tmp_path / "a.bpg"), str(photo)])
    assert not (tmp_path / "a.bpg").exists()


def test_every_failure_exits_with_1(tmp_path, photo):
    done = run("bpgenc", "-a", "-o", tmp_path / "a.bpg", photo)
    assert (done.returncode, done.stdout) == (1, "")
    assert "-a: animations are not written here" in done.stderr
    (tmp_path / "x.bpg").write_bytes(b"BPG\xfbnonsense")
    done = run("bpgdec", "-o", tmp_path / "a.png", tmp_path / "x.bpg")
    assert done.returncode == 1
    assert "x.bpg" in done.stderr


def test_options_of_animations_change_nothing_without_a(photo):
    plain = encoded(photo)
    assert encoded(photo, "-fps", "9", "-loop", "2", "-delayfile", "absent") == plain


@pytest.mark.parametrize("options", [[], ["-lossless"], ["-limitedrange", "-f", "422_video"]])
def test_description_says_chroma_range_and_metadata(tmp_path, photo, options, capsys):
    photo.write_bytes(images.png(replace(picture(20, 12), metadata={"icc": b"x" * 99})))
    encoded(photo, "-keepmetadata", *options)
    bpgdec(["-i", str(tmp_path / "a.bpg")])
    said = {
        0: "color_space=YCbCr format=4:2:0 limited_range=0",
        1: "color_space=RGB format=4:4:4 limited_range=0",
        3: "color_space=YCbCr format=4:2:2_video limited_range=1",
    }[len(options)]
    assert capsys.readouterr().out == (
        f"size=20x12 {said} bit_depth=8 animation=0\n"
        "Extension data:\n  tag=2 (ICC profile) length=99\n"
    )


def test_gray_is_coded_as_gray_and_decoded_to_three_channels(tmp_path, capsys):
    (tmp_path / "gray.png").write_bytes(images.png(picture(20, 12, gray=True)))
    encoded(tmp_path / "gray.png")
    bpgdec(["-o", str(tmp_path / "a.PPM"), str(tmp_path / "a.bpg")])
    assert (tmp_path / "a.PPM").read_bytes().startswith(b"P6\n20 12\n255\n")
    bpgdec(["-i", str(tmp_path / "a.bpg")])
    assert "color_space=Gray format=Gray" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "head"), [("x.jpg", b"\x89PNG"), ("x.png", b"\x89PNG"), ("x.ppm", b"P6"), ("x", b"P6")]
)
def test_a_picture_is_a_png_but_by_the_name_of_a_ppm(tmp_path, photo, name, head, monkeypatch):
    encoded(photo)
    monkeypatch.chdir(tmp_path)
    bpgdec(["-o", name, "a.bpg"])
    assert Path(name).read_bytes().startswith(head)


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bits_a_sample_go_in_and_come_out(tmp_path, channels):
    samples = np.random.default_rng(0).integers(0, 65536, (16, 16, channels))
    source = tmp_path / "in.png"
    source.write_bytes(png_file(samples.reshape(16, -1).tolist(), 16, 2 if channels == 3 else 6))
    bpg = encoded(source, "-lossless", "-b", "12")
    assert bpg.layout.bit_depth == 12
    seen = decoded(tmp_path, "-b", "16")
    assert seen.dtype == np.uint16
    assert np.abs(seen - samples).max() <= 9  # a step of 12 bits is 16
    assert np.abs(decoded(tmp_path) - samples / 257).max() <= 0.6
    with pytest.raises(UsageError, match=r"-b 10: a \.png has 8 or 16 bits"):
        decoded(tmp_path, "-b", "10")


@pytest.mark.parametrize("arguments", [[], ["-c", "ycgco", "-f", "444"], ["-limitedrange"]])
def test_16_bits_are_a_finer_form_of_8(tmp_path, photo, arguments):
    encoded(photo, *arguments, "-b", "10")
    fine, coarse = decoded(tmp_path, "-b", "16"), decoded(tmp_path)
    assert np.abs(fine / 257 - coarse).max() <= 0.51


def test_premultiplied_colour_is_stored_and_divided_again(tmp_path):
    row = [200, 100, 50, 255, 200, 100, 50, 128, 200, 100, 50, 0]
    source = tmp_path / "in.png"
    source.write_bytes(png_file([row], 8, 6))
    bpg = encoded(source, "-premul", "-lossless")
    assert bpg.alpha == "premultiplied"
    green, blue, red = (plane[0, :3].tolist() for plane in planes(bpg))
    assert (red, green, blue) == ([200, 100, 0], [100, 50, 0], [50, 25, 0])
    seen = decoded(tmp_path)[0].tolist()
    assert seen == [[200, 100, 50, 255], [199, 100, 50, 128], [255, 255, 255, 0]]
    fine = decoded(tmp_path, "-b", "16")[0, :, :3]
    assert np.abs(fine / 257 - np.array(seen)[:, :3]).max() <= 0.51
    opaque = tmp_path / "opaque.png"
    opaque.write_bytes(images.png(picture(16, 16)))
    assert encoded(opaque, "-premul").alpha == "none"


@pytest.mark.parametrize("depth", ["8", "12"])
def test_a_hash_is_written_that_decoders_check(tmp_path, photo, depth):
    plain = encoded(photo, "-b", depth)
    bpg = encoded(photo, "-b", depth, "-hash")
    units = nal.split(nal.START_CODE + bpg.units)
    assert [unit.layer for unit in units if unit.kind == nal.HASH_SEI] == [1, 0]
    assert bpg.units.startswith(plain.units)
    assert decoded(tmp_path).shape == (40, 64, 4)
    wrong = bytearray(mux(bpg))
    wrong[-2] ^= 1
    (tmp_path / "a.bpg").write_bytes(wrong)
    with pytest.raises(BadInputError):
        decoded(tmp_path)


def test_of_an_animation_the_first_picture_is_decoded(tmp_path, capsys):
    stills = []
    for seed in range(2):
        (tmp_path / "in.png").write_bytes(images.png(picture(40, 24, seed=seed, alpha=True)))
        stills.append(encoded(tmp_path / "in.png"))
        if seed == 0:
            first = decoded(tmp_path)
    moving = replace(
        stills[0],
        units=stills[0].units + nal.START_CODE + stills[1].units,
        animated=True,
        extensions=((5, b"\0\1\x19"),),
    )
    (tmp_path / "a.bpg").write_bytes(mux(moving))
    np.testing.assert_array_equal(decoded(tmp_path), first)
    bpgdec(["-i", str(tmp_path / "a.bpg")])
    said = capsys.readouterr().out
    assert said.endswith("animation=1\nExtension data:\n  tag=5 (Animation control) length=3\n")


@pytest.mark.parametrize(("subsampling", "chroma"), [(0, "444"), (1, "422"), (2, "420")])
def test_a_jpeg_is_coded_by_its_own_planes(tmp_path, subsampling, chroma):
    source = jpeg(tmp_path / "in.jpg", subsampling=subsampling)
    bpg = encoded(source, "-lossless", "-f", "422", "-c", "rgb")
    assert (bpg.layout.chroma, bpg.layout.color_space) == (chroma, "ycbcr")
    own = libav.decode("mjpeg", source.read_bytes()).planes
    for coded, plane in zip(planes(bpg), own, strict=True):
        np.testing.assert_array_equal(coded[: plane.shape[0], : plane.shape[1]], plane)
    deep = encoded(source, "-lossless", "-b", "10")
    scaled = np.rint(own[0].astype(int) * 1023 / 255)
    np.testing.assert_array_equal(planes(deep)[0][:40, :64], scaled)


@pytest.mark.parametrize(
    ("mode", "options", "layout"),
    [
        ("L", {}, ("gray", "ycbcr")),
        ("RGB", {"keep_rgb": True}, ("444", "rgb")),
        ("CMYK", {}, ("444", "rgb")),
    ],
)
def test_a_jpeg_of_other_colours_keeps_them(tmp_path, mode, options, layout):
    source = jpeg(tmp_path / "in.jpg", mode, **options)
    bpg = encoded(source, "-q", "5")
    assert (bpg.layout.chroma, bpg.layout.color_space) == layout
    assert (bpg.alpha == "white") == (mode == "CMYK")
    seen = np.asarray(PIL.Image.open(source).convert("RGB"), int)
    assert np.abs(decoded(tmp_path) - seen).mean() < 2


def test_a_jpeg_of_a_subsampling_that_no_bpg_has_is_coded_in_444(tmp_path):
    data = bytearray(jpeg(tmp_path / "in.jpg", subsampling=0, size=(16, 16)).read_bytes())
    frame = data.index(b"\xff\xc0")
    data[frame + 11] = 0x12  # the luma is now of half the height of a 16×32 picture's
    data[frame + 5 : frame + 9] = struct.pack(">HH", 32, 8)
    source = tmp_path / "tall.jpg"
    source.write_bytes(data)
    bpg = encoded(source, "-q", "5")
    assert (bpg.layout.chroma, bpg.width, bpg.height) == ("444", 8, 32)


def test_a_picture_is_neither_turned_nor_converted_and_keeps_an_opaque_alpha(tmp_path):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    profile = icc_profile(b"RGB ", 1.0)
    source = jpeg(tmp_path / "in.jpg", exif=exif, icc_profile=profile)
    bpg = encoded(source, "-keepmetadata", "-q", "5")
    assert (bpg.width, bpg.height) == (64, 40)
    assert bpg.metadata["icc"] == profile
    assert bpg.metadata["exif"] == exif.tobytes().removeprefix(b"Exif\0\0")
    seen = np.asarray(PIL.Image.open(source), int)
    assert np.abs(decoded(tmp_path) - seen).mean() < 2
    opaque = PIL.Image.fromarray(picture(16, 16).pixels)
    opaque.putalpha(255)
    stream = io.BytesIO()
    opaque.save(stream, "PNG", exif=exif, icc_profile=profile)
    (tmp_path / "opaque.png").write_bytes(stream.getvalue())
    bpg = encoded(tmp_path / "opaque.png", "-keepmetadata", "-lossless")
    assert bpg.alpha == "straight"
    assert bpg.metadata == {"icc": profile}
    np.testing.assert_array_equal(decoded(tmp_path), np.asarray(opaque))


@pytest.fixture
def under_their_names(tmp_path, monkeypatch) -> Path:
    """A folder, first on PATH, where the drop-ins have the names of libbpg's programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bpgenc", "bpgdec"):
        (folder / name).symlink_to(PROGRAMS / f"neurocodec-{name}")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_a_drop_in_on_path_is_not_taken_for_the_real_one(under_their_names):
    tools._probe.cache_clear()
    assert tools.lookup(BPGENC) is None
    assert tools.lookup(BPGDEC) is None


@pytest.mark.slow
def test_imagemagick_reads_and_writes_bpg_by_the_drop_ins(tmp_path, photo, under_their_names):
    convert = _imagemagick()
    encoded(photo, "-q", "10")
    for source, target in (("a.bpg", "a.png"), ("in.png", "b.bpg"), ("b.bpg", "b.png")):
        quality = ["-quality", "10"] if target == "b.bpg" else []
        arguments = [convert, tmp_path / source, *quality, tmp_path / target]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
    fine = images.read_stored((tmp_path / "a.png").read_bytes(), "x").samples
    np.testing.assert_array_equal(fine, decoded(tmp_path, "-b", "16"))
    original = np.asarray(PIL.Image.open(photo), int)
    again = images.read_stored((tmp_path / "b.png").read_bytes(), "x").samples
    assert np.abs(again / 257 - original).mean() < 15  # the quality is ImageMagick's to translate


def _imagemagick() -> str:
    for folder in os.get_exec_path():
        found = shutil.which("convert", path=folder)
        if found is not None:
            version = subprocess.run([found, "-version"], capture_output=True, check=False)
            if b"ImageMagick" in version.stdout:
                return found
    absent = pytest.fail if os.environ.get("CI") else pytest.skip
    return absent("ImageMagick is not installed")


def test_every_program_has_a_launcher_in_bin():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name in project["scripts"]:
        launcher = ROOT / "bin" / name
        assert os.access(launcher, os.X_OK)
        assert f'exec "$root/.venv/bin/{name}" "$@"' in launcher.read_text()


@pytest.mark.slow
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
