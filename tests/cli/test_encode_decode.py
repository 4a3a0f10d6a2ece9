"""encode, decode, info, preprocess and doctor as users meet them."""

import hashlib
import io
import json
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from neurocodec import images, registry
from neurocodec.codecs import CODECS
from tests.cli.running import COMMAND, neurocodec
from tests.conftest import picture
from tests.test_tools import is_alive

JPEG = ("--codec", "jpeg", "--quality", "60", "--filter", "none")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(images.png(picture(96, 64)))
    return path


def folder_of(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(images.png(picture(40, 30, seed=number)))
    return root


def opened(path: Path) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(path.read_bytes()))


def files_in(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("codec", CODECS)
def test_a_picture_goes_through_every_codec(photo, codec):
    done = neurocodec("encode", photo, "--codec", codec, "--qp", 34, "--filter", "none", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    coded = Path(said["output"])
    data = coded.read_bytes()
    assert coded.parent == photo.parent
    assert (said["width"], said["height"], said["size_bytes"]) == (96, 64, len(data))
    assert said["bpp"] == 8 * len(data) / (96 * 64)
    assert said["sha256"] == hashlib.sha256(data).hexdigest()
    assert (said["level"], said["qp"]) == ({"qp": 34}, 34)
    seen = photo.parent / "seen.png"
    assert neurocodec("decode", coded, "-o", seen).returncode == 0
    assert opened(seen).size == (96, 64)
    info = json.loads(neurocodec("info", coded, "--json").stdout)
    assert info["codec"] == codec
    assert info["bpp"] == said["bpp"]


def test_text_says_size_and_bpp(photo):
    done = neurocodec("encode", photo, *JPEG)
    size = photo.with_suffix(".jpg").stat().st_size
    assert f"{size} bytes  {8 * size / (96 * 64):.3f} bpp" in done.stdout.decode()


def test_auto_says_once_that_no_filter_is_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROCODEC_WEIGHTS", str(tmp_path))
    folder_of(tmp_path / "d", "a.png", "b.png")
    done = neurocodec("encode", tmp_path / "d", "--codec", "jpeg", "--qp", 34)
    assert done.stderr.decode().count("no trained filter for jpeg is installed") == 1
    assert b"no trained filter" not in neurocodec("encode", tmp_path / "d", *JPEG).stderr


def test_auto_takes_the_filter_that_the_manifest_names(photo, tmp_path, monkeypatch):
    (tmp_path / "manifest.json").write_text('{"auto": {"jpeg": "scale:factor=0.5"}}')
    monkeypatch.setenv("NEUROCODEC_WEIGHTS", str(tmp_path))
    said = json.loads(neurocodec("encode", photo, *JPEG[:4], "--json").stdout)
    assert said["pre"] == "scale:factor=0.5"


def test_pipes_carry_pictures_and_nothing_else(photo):
    coded = neurocodec("encode", "-", *JPEG, "-o", "-", stdin=photo.read_bytes())
    assert coded.stdout.startswith(b"\xff\xd8")
    decoded = neurocodec("decode", "-", "-o", "-", stdin=coded.stdout)
    assert PIL.Image.open(io.BytesIO(decoded.stdout)).format == "PNG"


def test_a_tree_is_mirrored_and_others_are_counted(tmp_path):
    source = folder_of(tmp_path / "in", "a.png", "sub/b.png", "sub dir/c d.png")
    (source / "notes.txt").write_text("x")
    done = neurocodec("encode", source, "-r", *JPEG, "-o", tmp_path / "out", "-j", 2)
    assert done.returncode == 0
    assert files_in(tmp_path / "out") == {"a.jpg", "sub/b.jpg", "sub dir/c d.jpg"}
    assert b"other files in folders: 1 ignored" in done.stderr
    done = neurocodec("decode", tmp_path / "out", "-r", "-o", tmp_path / "back")
    assert files_in(tmp_path / "back") == {"a.png", "sub/b.png", "sub dir/c d.png"}


def test_a_list_of_names_with_every_kind_of_name(tmp_path):
    odd = os.fsdecode(b"not \xff utf8.png")
    names = ["-dash.png", "new\nline.png", "sub/a b.png", odd]
    folder_of(tmp_path, *names)
    done = neurocodec(
        "encode", "--files-from", "-", "-0", *JPEG, "-o", "out", "--json",
        stdin=b"\0".join(map(os.fsencode, names)), cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(files_in(tmp_path / "out")) == 4
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 4


def test_a_batch_goes_on_past_bad_files_and_exits_as_the_first(tmp_path):
    source = folder_of(tmp_path / "in", "a.png", "c.png")
    (source / "b.png").write_bytes(b"hello")
    done = neurocodec("encode", source, *JPEG, "-o", tmp_path / "out", "-j", 2)
    assert done.returncode == 5
    assert files_in(tmp_path / "out") == {"a.jpg", "c.jpg"}
    assert b"b.png: not a picture" in done.stderr
    assert b"2 of 3 done" in done.stderr


def test_skip_existing_leaves_results_alone(tmp_path):
    source = folder_of(tmp_path / "in", "a.png", "b.png")
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.jpg").write_bytes(b"mine")
    assert neurocodec("encode", source, *JPEG, "-o", out, "--skip-existing").returncode == 0
    assert (out / "a.jpg").read_bytes() == b"mine"
    assert (out / "b.jpg").exists()


def test_inputs_are_never_replaced_and_results_never_shared(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    folder_of(tmp_path, "a.png")
    for arguments in (["a.jpg"], ["a.png", "a.jpg"], ["a.png", "-o", "a.png"]):
        assert neurocodec("encode", *arguments, *JPEG, cwd=tmp_path).returncode == 2
    assert (tmp_path / "a.jpg").read_bytes() == b"x"
    done = neurocodec("encode", "a.png", "a.jpg", *JPEG, "--keep-extension", cwd=tmp_path)
    assert (tmp_path / "a.png.jpg").exists()
    assert done.returncode == 5


def test_decode_keeps_a_picture_that_may_be_the_original(photo):
    before = photo.read_bytes()
    neurocodec("encode", photo, *JPEG)
    coded = photo.with_suffix(".jpg")
    refused = neurocodec("decode", coded)
    assert refused.returncode == 2
    assert b"--overwrite" in refused.stderr
    assert photo.read_bytes() == before
    assert neurocodec("decode", coded, "--overwrite").returncode == 0
    assert photo.read_bytes() != before


def test_encode_keeps_a_photograph_that_has_the_results_name(tmp_path):
    folder_of(tmp_path, "a.png")
    (tmp_path / "a.jpg").write_bytes(b"another photograph")
    refused = neurocodec("encode", tmp_path / "a.png", *JPEG)
    assert refused.returncode == 2
    assert b"--overwrite" in refused.stderr
    assert (tmp_path / "a.jpg").read_bytes() == b"another photograph"
    assert neurocodec("encode", tmp_path / "a.png", *JPEG, "--overwrite").returncode == 0
    (tmp_path / "a.bpg").write_bytes(b"old")
    assert neurocodec("encode", tmp_path / "a.png", "--qp", 30, "--filter", "none").returncode == 0
    assert (tmp_path / "a.bpg").read_bytes().startswith(b"BPG")


def test_a_list_as_find_prints_it_has_folders_that_are_passed_over(tmp_path):
    folder_of(tmp_path, "a.png", "sub/b.png")
    listed = b".\0./a.png\0./sub\0./sub/b.png\0"
    options = (*JPEG, "-o", "out")
    done = neurocodec("encode", "--files-from", "-", "-0", *options, stdin=listed, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert files_in(tmp_path / "out") == {"a.jpg", "sub/b.jpg"}
    refused = neurocodec("encode", "--files-from", "-", *options, stdin=listed, cwd=tmp_path)
    assert refused.returncode == 2
    assert b"add -0" in refused.stderr


def test_places_that_are_full_are_output_errors(photo, tmp_path):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*COMMAND, "encode", photo, *JPEG], stdout=full, check=False)
    assert done.returncode == 6
    environment = os.environ | {"TMPDIR": str(tmp_path / "absent")}
    arguments = ["--codec", "jpeg2000", "--quality", "30", "--filter", "none"]
    script = f'exec {shlex.join(COMMAND)} encode "$0" "$@" <&- >&-'
    done = subprocess.run(
        ["sh", "-c", script, photo, *arguments], env=environment, check=False, capture_output=True
    )
    assert done.returncode in {0, 6}, done.stderr
    assert b"bug" not in done.stderr


def test_expected_sha256_is_checked(photo):
    coded = photo.with_suffix(".jpg")
    sha256 = json.loads(neurocodec("encode", photo, *JPEG, "--json").stdout)["sha256"]
    seen = photo.with_name("seen.png")
    assert neurocodec("decode", coded, "-o", seen, "--expect-sha256", sha256).returncode == 0
    damaged = bytearray(coded.read_bytes())
    damaged[-20] ^= 1
    coded.write_bytes(damaged)
    seen.unlink()
    assert neurocodec("decode", coded, "-o", seen, "--expect-sha256", sha256).returncode == 5
    assert not seen.exists()


def test_decode_writes_ppm_by_the_name(photo):
    neurocodec("encode", photo, *JPEG)
    seen = photo.with_name("seen.ppm")
    assert neurocodec("decode", photo.with_suffix(".jpg"), "-o", seen).returncode == 0
    assert seen.read_bytes().startswith(b"P6\n96 64\n255\n")


def test_metadata_is_kept_on_request(tmp_path):
    exif = PIL.Image.Exif()
    exif[0x010F] = "maker"
    source = tmp_path / "a.png"
    PIL.Image.fromarray(picture(20, 20).pixels).save(source, exif=exif)
    for extra, kept in ((), False), (("--keep-metadata",), True):
        neurocodec("encode", source, *JPEG, *extra, "--overwrite")
        assert (0x010F in opened(tmp_path / "a.jpg").getexif()) == kept


def test_preprocess_writes_what_the_encoder_would_see(photo):
    arguments = ("--qp", 34, "--filter", "blur:sigma=1.5")
    assert neurocodec("filter", photo, *arguments).returncode == 0
    filtered = np.asarray(opened(photo.with_name("photo.filtered.png")), float)
    original = np.asarray(opened(photo), float)
    assert filtered.shape == original.shape
    assert np.abs(np.diff(filtered, axis=1)).mean() < np.abs(np.diff(original, axis=1)).mean() / 2


def test_scale_encodes_a_smaller_picture_and_counts_bpp_over_the_original(photo):
    arguments = ("--codec", "jpeg", "--quality", 60, "--filter", "scale:factor=0.5", "--json")
    said = json.loads(neurocodec("encode", photo, *arguments).stdout)
    assert opened(photo.with_suffix(".jpg")).size == (48, 32)
    assert said["bpp"] == 8 * said["size_bytes"] / (96 * 64)


def test_alpha_is_refused_or_flattened(tmp_path):
    source = tmp_path / "a.png"
    source.write_bytes(images.png(picture(24, 24, alpha=True)))
    refused = neurocodec("encode", source, *JPEG)
    assert refused.returncode == 2
    assert b"--flatten" in refused.stderr
    assert neurocodec("encode", source, *JPEG, "--flatten", "white").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["encode", "--qp", "34"], 2, b"INPUT is missing"),
        (["encode", "photo.png"], 2, b"--qp"),
        (["encode", "photo.png", "--qp", "99"], 2, b"0 to 51"),
        (["encode", "photo.png", "--qp", "30", "--quality", "30"], 2, b"one of --qp"),
        (["encode", "photo.png", "--quality", "30"], 2, b"no quality"),
        (["encode", "photo.png", "--qp", "30", "--codec", "jpg"], 2, b"bpg, jpeg"),
        (["encode", "photo.png", "--qp", "30", "--filter", "blur:sigma"], 2, b"key=value"),
        (["encode", "photo.png", "--qp", "30", "--filter", "blur:sigma=x"], 2, b"a number"),
        (["encode", "photo.png", "--qp", "30", "--chroma", "444", "--codec", "vvc"], 2, b"chroma"),
        (["encode", "absent.png", "--qp", "30"], 5, b"absent.png: cannot be read"),
        (
            ["encode", "photo.png", "--qp", "30", "-o", "no/such/a.bpg"],
            6,
            b"there is no folder no/such",
        ),
        (["encode", "photo.png", "--qp", "30", "-o", "/dev/full"], 6, b"No space left"),
        (["encode", "photo.png", "--qp", "30", "-o", "-", "--json"], 2, b"--json"),
        (["encode", "photo.png", "--qp", "30", "--max-pixels", "99"], 5, b"--max-pixels"),
        (["decode", "photo.png", "-o", "x.png"], 5, b"not a file of"),
        (["info", "photo.png"], 5, b"not a file of"),
        (["no-such-command"], 2, b"No such command"),
        (
            ["encode", "photo.png", "--qp", "30", "-o", "a.jpg"],
            2,
            b"a .jpg file: name it a.bpg",
        ),
        (["encode", "photo.png", "--qp", "30", "-o", "a.266"], 2, b"not a .266 file"),
        (["encode", "photo.png", "--qp", "30", "-o", "x" * 300], 6, b"name too long"),
        (["encode", "x" * 300 + ".png", "--qp", "30"], 5, b"cannot be read"),
        (["encode", "", "--qp", "30"], 2, b"an empty name"),
        (["encode", "photo.png", "--qp", "30", "-o", ""], 2, b"-o is empty"),
        (["encode", "photo.png", "--qp", "9", "--filter", "schedule:file=photo.png"], 2, b"choose"),
        (["encode", "photo.png", "--qp", "30", "--filter", "schedule:file=x"], 2, b"No such file"),
        (["evaluate", "", "--task", "fidelity"], 2, b"DATA is an empty name"),
        (["encode", "absent.png", "--qp", "30", "--filter", "nonsense"], 2, b"no filter is called"),
        (
            ["encode", "photo.png", "--qp", "30", "--codec", "vvc", "--keep-metadata"],
            2,
            b"metadata",
        ),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_in_one_line(photo, arguments, code, words):
    pre = () if "--filter" in arguments or arguments[:1] != ["encode"] else ("--filter", "none")
    done = neurocodec(*arguments, *pre, cwd=photo.parent)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert files_in(photo.parent) == {"photo.png"}


def test_no_permission_is_an_output_error(photo):
    locked = photo.with_suffix(".jpg")
    locked.write_bytes(b"old")
    if os.geteuid() == 0:
        folder = Path("/proc/1")
        assert neurocodec("encode", photo, *JPEG, "-o", folder / "a.jpg").returncode == 6
        return
    locked.chmod(0o444)
    assert neurocodec("encode", photo, *JPEG).returncode == 6
    assert locked.read_bytes() == b"old"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_batch_with_its_code_and_leaves_no_half(tmp_path, number, code):
    source = folder_of(tmp_path / "in", *(f"{n}.png" for n in range(300)))
    out = tmp_path / "out"
    process = subprocess.Popen(
        [*COMMAND, "encode", source, "-o", out, "--codec", "vvc", "--qp", "40", "-j", "2"],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and (not out.exists() or len(list(out.iterdir())) < 3):
        time.sleep(0.05)
    children = children_of(process.pid)
    process.send_signal(number)
    assert process.wait(timeout=30) == code
    assert not any(map(is_alive, children))
    assert {path.suffix for path in out.iterdir()} == {".266"}


def children_of(pid: int) -> list[int]:
    """The processes below a process, at this moment."""
    direct = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return direct + [below for child in direct for below in children_of(child)]


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path):
    source = folder_of(tmp_path / "in", *(f"{n}.png" for n in range(60)))
    command = [*COMMAND, "encode", source, *JPEG, "-o", tmp_path / "out", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 141


def test_doctor_lists_every_codecs_tools():
    done = neurocodec("doctor", "--json")
    assert done.returncode == 0
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    assert {finding["codec"] for finding in findings} - {None} == {
        name for name in CODECS if registry.load(CODECS, name, "codec").tools
    }
    assert all(finding["ok"] or finding["remedy"] for finding in findings)
    ffmpeg = next(finding for finding in findings if finding["tool"] == "ffmpeg")
    assert ffmpeg["ok"] and ffmpeg["version"]


def test_python_m_and_version():
    assert neurocodec("--version").stdout.startswith(b"neurocodec, version ")


def test_a_level_is_needed_and_inputs_come_first():
    assert b"INPUT is missing" in neurocodec("encode").stderr
    assert b"34 is a good start" in neurocodec("encode", "photo.png").stderr


def test_nothing_to_do_is_said(photo):
    assert neurocodec("encode", photo, *JPEG).returncode == 0
    again = neurocodec("encode", photo, *JPEG, "--skip-existing")
    assert (again.returncode, again.stdout) == (0, b"")
    assert b"1 outputs exist: skipped" in again.stderr
    wrong = neurocodec("encode", photo, *JPEG[:4], "--filter", "nonsense", "--skip-existing")
    assert wrong.returncode == 2


def test_a_network_is_not_loaded_where_there_is_no_picture(photo, monkeypatch):
    def load(*arguments):
        raise AssertionError("loaded")

    monkeypatch.setattr("neurocodec.filters.create", load)
    options = ("--qp", 34, "--filter", "npp:weights=any")
    assert neurocodec("encode", photo.with_name("absent.png"), *options).returncode == 5
    photo.with_suffix(".bpg").write_bytes(b"x")
    assert neurocodec("encode", photo, *options, "--skip-existing").returncode == 0


def test_decode_prints_the_size_of_the_picture_file(photo):
    neurocodec("encode", photo, *JPEG)
    seen = photo.with_name("seen.png")
    done = neurocodec("decode", photo.with_suffix(".jpg"), "-o", seen)
    assert f"{seen.stat().st_size} bytes" in done.stdout.decode()


def test_info_takes_many_files_and_goes_on_past_a_bad_one(photo):
    neurocodec("encode", photo, *JPEG)
    coded = photo.with_suffix(".jpg")
    done = neurocodec("info", coded, photo, coded, "--json")
    assert done.returncode == 5
    assert b"photo.png: not a file of" in done.stderr
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == [str(coded)] * 2


def test_names_of_commands_are_guessed_completed_and_kept():
    assert b"Did you mean 'encode'?" in neurocodec("enocde").stderr
    assert neurocodec("preprocess", "--help").stdout.startswith(b"Usage: neurocodec preprocess")
    assert neurocodec("-V").stdout == neurocodec("--version").stdout


def test_the_shell_completes(monkeypatch):
    monkeypatch.setenv("_NEUROCODEC_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "neurocodec enc")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert neurocodec().stdout.decode().split(",")[-1].strip() == "encode"
