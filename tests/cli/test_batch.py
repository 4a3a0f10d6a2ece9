"""Batches: the manifest and what goes on from it, shards, and what may go wrong on the way."""

import errno
import hashlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from neurocodec import files, images, locks
from neurocodec.codecs.jpeg import Jpeg
from neurocodec.images import Image
from tests.cli.running import COMMAND, ROOT, neurocodec
from tests.conftest import picture
from tests.training.conftest import jpeg_in_process

JPEG = ("--codec", "jpeg", "--quality", 40, "--filter", "none", "-j", 0)


@pytest.fixture(scope="module", autouse=True)
def no_programs():
    with jpeg_in_process():
        yield


@pytest.fixture
def folder(tmp_path):
    """A folder of six small pictures, one of them in a folder below."""
    root = tmp_path / "in"
    (root / "sub").mkdir(parents=True)
    for number in range(6):
        place = root / ("sub" if number == 5 else "") / f"{number}.png"
        place.write_bytes(images.png(picture(24, 16, seed=number)))
    return root


def encode(folder, *more, output=None):
    """Run encode over the folder."""
    output = output or folder.parent / "out"
    return neurocodec("encode", folder, "-r", "-o", output, *JPEG, *more)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_a_manifest_has_a_line_a_picture_with_hashes_settings_and_times(folder):
    (folder / "bad.png").write_bytes(b"no picture")
    manifest = folder.parent / "m.jsonl"
    done = encode(folder, "--manifest", manifest)

    assert done.returncode == 5
    entries = lines(manifest)
    assert len(entries) == 7
    for entry in entries:
        assert entry["settings"]["codec"] == "jpeg"
        assert entry["settings"]["quality"] == 40
        if "error" in entry:
            assert (Path(entry["input"]).name, entry["exit_code"]) == ("bad.png", 5)
            continue
        for path, sha256 in (("input", "input_sha256"), ("output", "sha256")):
            data = Path(entry[path]).read_bytes()
            assert entry[sha256] == hashlib.sha256(data).hexdigest()
        assert {"read", "filter", "encode", "write"} == entry["ms"].keys()
        assert entry["bpp"] > 0


def test_resume_verifies_what_is_done_and_does_the_rest(folder):
    output, manifest = folder.parent / "out", folder.parent / "m.jsonl"
    assert encode(folder, "--manifest", manifest).returncode == 0
    whole = tree(output)
    (output / "0.jpg").unlink()
    (output / "1.jpg").write_bytes(b"another")
    (folder / "2.png").write_bytes(images.png(picture(24, 16, seed=99)))
    kept = manifest.read_bytes()
    manifest.write_bytes(kept[: len(kept) - 30])  # the line of sub/5 was being written

    done = encode(folder, "--manifest", manifest, "--resume")

    assert done.returncode == 0, done.stderr
    assert b"2 outputs exist: skipped" in done.stderr
    assert b"3 inputs or outputs changed since" in done.stderr
    assert b"4 of 4 done, 2 skipped" in done.stderr
    after = tree(output)
    assert {name for name in whole if whole[name] != after[name]} == {"2.jpg"}
    assert len(lines(manifest)) == 9
    again = encode(folder, "--manifest", manifest, "--resume")
    assert b"0 of 0 done, 6 skipped" in again.stderr


def test_other_settings_are_refused_not_ignored(folder):
    manifest = folder.parent / "m.jsonl"
    assert encode(folder, "--manifest", manifest).returncode == 0
    before = manifest.read_bytes()

    done = encode(folder, "--manifest", manifest, "--resume", "--quality", 50)

    assert done.returncode == 2
    assert b"made with quality 40, not 50" in done.stderr
    assert manifest.read_bytes() == before


def test_a_manifest_is_not_written_over(folder):
    manifest = folder.parent / "m.jsonl"
    assert encode(folder, "--manifest", manifest).returncode == 0
    again = encode(folder, "--manifest", manifest)

    assert again.returncode == 2
    assert b"add --resume" in again.stderr
    lone = encode(folder, "--resume")
    assert lone.returncode == 2
    assert b"--manifest FILE" in lone.stderr


@pytest.mark.parametrize(
    "line", ["[]", "{}", '{"input": 1, "output": "b", "settings": {}}', "[" * 10**5, "\x00"]
)
def test_what_is_no_manifest_is_refused_by_its_line(folder, line):
    manifest = folder.parent / "m.jsonl"
    manifest.write_text(line + "\n")
    done = encode(folder, "--manifest", manifest, "--resume")

    assert done.returncode == 5
    assert b"m.jsonl, line 1" in done.stderr


def test_skip_existing_compares_settings_where_there_is_a_manifest(folder):
    manifest = folder.parent / "m.jsonl"
    assert encode(folder, "--manifest", manifest).returncode == 0
    same = encode(folder, "--manifest", manifest, "--skip-existing")
    other = encode(folder, "--manifest", manifest, "--skip-existing", "--quality", 50)

    assert b"6 outputs exist: skipped, made with these settings" in same.stderr
    assert b"6 outputs exist that were made with other settings" in other.stderr
    assert b"6 of 6 done" in other.stderr
    without = encode(folder, "--skip-existing", "--quality", 60)
    assert b"6 outputs exist: skipped, whatever their settings were" in without.stderr


def test_shards_together_make_the_whole(folder):
    parts, whole = folder.parent / "parts", folder.parent / "whole"
    counts = []
    for part in ("1/2", "2/2"):
        assert encode(folder, "--shard", part, output=parts).returncode == 0
        counts.append(len(tree(parts)))
    assert encode(folder, output=whole).returncode == 0

    assert 0 < counts[0] < counts[1] == 6
    assert tree(parts) == tree(whole)


@pytest.mark.parametrize("part", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_a_shard_that_is_none(folder, part):
    done = encode(folder, "--shard", part)
    assert done.returncode == 2
    assert b"1/16" in done.stderr


def test_a_dry_run_prints_and_writes_nothing(folder):
    before = tree(folder.parent)
    done = encode(folder, "--dry-run")
    as_json = encode(folder, "--dry-run", "--json")

    assert tree(folder.parent) == before
    assert not (folder.parent / "out").exists()
    assert len(done.stdout.splitlines()) == 6
    assert b"5.png -> " in done.stdout
    objects = [json.loads(line) for line in as_json.stdout.splitlines()]
    assert {tuple(one) for one in objects} == {("input", "output")}


def test_a_failure_ends_the_batch_where_it_is_asked_to(folder):
    (folder / "1.png").write_bytes(b"no picture")
    done = encode(folder, "--fail-fast")

    assert done.returncode == 5
    assert b"1 of 6 done, 1 failed, 4 not begun" in done.stderr
    assert b"5 of 6 done, 1 failed" in encode(folder).stderr


def test_every_failure_is_an_object_too(folder):
    (folder / "1.png").write_bytes(b"no picture")
    done = encode(folder, "--json")

    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(objects) == 6
    (failed,) = (one for one in objects if "error" in one)
    assert Path(failed["input"]).name == "1.png"
    assert failed["exit_code"] == 5


def test_totals_tell_bytes_and_what_is_larger(folder):
    done = encode(folder)
    assert re.search(rb"6 of 6 done; [0-9.]+ kB in, [0-9.]+ k?B?\w* out", done.stderr)
    small = folder.parent / "small"
    small.mkdir()
    data = Jpeg().encode(picture(24, 16), Jpeg.levels and _level(10))
    (small / "a.jpg").write_bytes(data)

    larger = encode(small, "--quality", 95)
    assert b"a file is larger than its input" in larger.stderr
    kept = encode(small, "--quality", 95, "--keep-smaller")
    assert b"larger" not in kept.stderr
    assert (folder.parent / "out" / "a.jpg").read_bytes() == data


def _level(value):
    from neurocodec.codecs import Level

    return Level("quality", value)


def test_what_is_larger_is_not_kept_in_another_format(folder):
    done = encode(folder, "--keep-smaller", "--quality", 100)
    assert done.returncode == 0
    assert all(name.endswith(".jpg") for name in tree(folder.parent / "out"))
    assert (folder.parent / "out" / "0.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_outputs_get_the_times_and_the_names_asked_for(folder):
    os.utime(folder / "0.png", (10**9, 10**9))
    done = encode(folder, "--preserve-times", "--name", "{stem}.{quality}{suffix}")

    assert done.returncode == 0, done.stderr
    assert (folder.parent / "out" / "0.40.jpg").stat().st_mtime == 10**9
    assert (folder.parent / "out" / "sub" / "5.40.jpg").exists()


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{stem}{qp}{suffix}", b"{quality}"),
        ("a/{stem}{suffix}", b"no name of a file"),
        ("{stem}.png", b"not a .png file"),
        ("x{suffix}", b"would both become"),
        ("{stem", b"--name"),
        ("{stem.__class__.__init__.__globals__}", b"--name"),
        ("", b"no name of a file"),
    ],
)
def test_a_name_that_cannot_be(folder, template, words):
    done = encode(folder, "--name", template)
    assert done.returncode == 2
    assert words in done.stderr
    assert not tree(folder.parent / "out")


def test_verify_decodes_what_was_written(folder, monkeypatch):
    assert encode(folder, "--verify").returncode == 0
    right = Jpeg._encode

    def another(self, image, value):
        return right(self, Image(255 - image.pixels), value)

    monkeypatch.setattr(Jpeg, "_encode", another)
    assert encode(folder).returncode == 0
    done = encode(folder, "--verify")
    assert done.returncode == 4
    assert b"decodes to another picture" in done.stderr

    monkeypatch.setattr(Jpeg, "_encode", lambda self, image, value: right(self, image, value)[:-80])
    assert b"does not decode" in encode(folder, "--verify").stderr


def test_a_full_disk_ends_the_batch_at_once(folder, monkeypatch):
    def full(target, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_replace", full)
    done = encode(folder)

    assert done.returncode == 6
    assert done.stderr.count(b"No space left") == 1
    assert b"0 of 6 done, 1 failed, 5 not begun" in done.stderr


def test_two_runs_on_the_same_files_do_not_meet(folder):
    output = folder.parent / "out"
    names = [output / f"{number}.jpg" for number in range(5)] + [output / "sub" / "5.jpg"]
    with locks.alone(map(str, names)):
        done = encode(folder)
        assert done.returncode == 2
        assert b"another neurocodec" in done.stderr
        assert encode(folder, "--shard", "1/2").returncode == 0
    assert encode(folder).returncode == 0


def test_a_file_that_has_no_end_is_read_no_further_than_asked(folder, tmp_path):
    done = neurocodec("encode", "/dev/zero", "-o", tmp_path / "o.jpg", *JPEG, "--max-bytes", 10**6)
    assert done.returncode == 5
    assert b"raise --max-bytes" in done.stderr
    done = encode(folder, "--max-bytes", 100)
    assert done.returncode == 5


def test_decode_knows_the_same_limits(folder):
    assert encode(folder).returncode == 0
    done = neurocodec("decode", folder.parent / "out", "-o", folder.parent / "p", "--max-pixels", 9)
    assert done.returncode == 5
    assert b"raise --max-pixels" in done.stderr
    manifest = folder.parent / "d.jsonl"
    options = ("-r", "-o", folder.parent / "p", "--manifest", manifest)
    assert neurocodec("decode", folder.parent / "out", *options).returncode == 0
    again = neurocodec("decode", folder.parent / "out", *options, "--resume")
    assert b"0 of 0 done, 6 skipped" in again.stderr


def test_filter_has_a_manifest_too(folder):
    manifest, output = folder.parent / "f.jsonl", folder.parent / "f"
    options = ("-r", "-o", output, "--qp", 34, "--filter", "blur:sigma=0.5", "-j", 0)
    assert neurocodec("filter", folder, *options, "--manifest", manifest).returncode == 0
    again = neurocodec("filter", folder, *options, "--manifest", manifest, "--resume")
    assert b"0 of 0 done, 6 skipped" in again.stderr


def test_a_picture_that_takes_too_long_is_given_up(folder):
    options = ("--codec", "jpeg", "--qp", "34", "--filter", "search", "-j", "1", "--timeout", "0.2")
    one = str(folder / "0.png")
    command = [*COMMAND, "encode", one, "-o", str(folder / "x.jpg"), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=300)
    assert done.returncode == 4, done.stderr
    assert b"took more than 0 s" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_and_resumed_is_the_uninterrupted_run(tmp_path, number):
    pictures = tmp_path / "in"
    pictures.mkdir()
    for seed in range(60):
        (pictures / f"{seed}.png").write_bytes(images.png(picture(96, 64, seed=seed)))
    options = [
        "encode",
        str(pictures),
        "--codec",
        "bpg",
        "--qp",
        "37",
        "--filter",
        "none",
        "-j",
        "2",
    ]
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    broken = [*COMMAND, *options, "-o", str(parts), "--manifest", str(tmp_path / "m.jsonl")]
    for share in (5, 20, 40):
        run = subprocess.Popen(
            [*broken, "--resume"], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True
        )
        until = time.monotonic() + 60
        while len(tree(parts)) < share and run.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        os.killpg(run.pid, number)
        run.communicate(timeout=60)
    time.sleep(1.1)  # what was being written is stale now
    subprocess.run([*broken, "--resume"], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(
        [*COMMAND, *options, "-o", str(whole)], cwd=ROOT, check=True, capture_output=True
    )

    assert tree(parts) == tree(whole)
    assert len(tree(whole)) == 60


def test_what_is_too_large_for_the_codec_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(images.reading, "_load", lambda *_: pytest.fail("read the pixels"))
    path = tmp_path / "long.png"
    PIL.Image.new("1", (20_000, 8)).save(path)
    PIL.Image.new("1", (20_000, 8000)).save(tmp_path / "large.png")
    for name, words in (("long", b"too long for bpg"), ("large", b"142606336 pixels are most")):
        done = neurocodec("encode", tmp_path / f"{name}.png", "--qp", 40, "--filter", "none")
        assert done.returncode == 2
        assert words in done.stderr


def test_a_long_picture_of_few_lines_is_coded_up_to_there(tmp_path):
    path = tmp_path / "long.png"
    PIL.Image.new("1", (4200, 8)).save(path)
    done = neurocodec("encode", path, "--qp", 40, "--filter", "none", "-o", tmp_path / "o.bpg")
    assert done.returncode == 0, done.stderr
    PIL.Image.new("1", (17_000, 32)).save(path)
    done = neurocodec("encode", path, "--qp", 40, "--filter", "none", "-o", tmp_path / "o.bpg")
    assert done.returncode == 0, done.stderr


def test_a_pipe_by_name_is_written_to(folder):
    command = [*COMMAND, "encode", str(folder / "0.png"), "--codec", "jpeg", "--quality", "40"]
    command += ["--filter", "none", "-o", "/dev/stdout"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=300, check=True)
    assert done.stdout[:2] == b"\xff\xd8"


def test_what_may_be_an_original_stays_whatever_the_manifest(folder):
    assert encode(folder, output=folder).returncode == 0
    (folder / "0.png").write_bytes(b"an original")
    coded = [folder / "0.jpg", folder / "1.jpg"]
    manifest = folder.parent / "d.jsonl"
    done = neurocodec("decode", *coded, "--manifest", manifest, "--resume")

    assert done.returncode == 2
    assert b"may be an original" in done.stderr
    assert (folder / "0.png").read_bytes() == b"an original"
    assert neurocodec("decode", *coded, "--manifest", manifest, "--overwrite").returncode == 0
    again = neurocodec("decode", *coded, "--manifest", manifest, "--resume")
    assert b"0 of 0 done, 2 skipped" in again.stderr


def test_pictures_made_beside_their_inputs_are_not_coded_again(folder):
    manifest = folder.parent / "w.jsonl"
    options = ("encode", folder, "-r", *JPEG, "--manifest", manifest)
    assert neurocodec(*options).returncode == 0
    again = neurocodec(*options, "--resume")
    assert again.returncode == 0, again.stderr
    assert b"0 of 0 done, 6 skipped" in again.stderr


def test_an_output_that_the_manifest_lacks_is_not_replaced_by_skip_existing(folder):
    assert encode(folder).returncode == 0
    before = tree(folder.parent / "out")
    options = ("--manifest", folder.parent / "new.jsonl", "--skip-existing", "--quality", 90)
    done = encode(folder, *options)
    assert b"6 outputs exist: skipped, whatever their settings were" in done.stderr
    assert tree(folder.parent / "out") == before


def test_a_manifest_knows_files_by_where_they_are(folder, monkeypatch):
    manifest = folder.parent / "m.jsonl"
    assert encode(folder, "--manifest", manifest).returncode == 0
    monkeypatch.chdir(folder.parent)
    relative = ("encode", "in", "-r", "-o", "out", *JPEG, "--manifest", manifest, "--resume")
    assert b"0 of 0 done, 6 skipped" in neurocodec(*relative, cwd=folder.parent).stderr
    other = neurocodec(*relative, "--quality", 50, cwd=folder.parent)
    assert other.returncode == 2


@pytest.mark.parametrize("part", [("--shard", "1/2"), ("--skip-existing",)])
def test_one_level_for_all_is_not_found_from_a_part(folder, part):
    options = ("--codec", "jpeg", "--filter", "none", "--target-bpp", 2, "--per", "folder", "-j", 0)
    done = neurocodec("encode", folder, "-r", "-o", folder.parent / "out", *options, *part)
    assert done.returncode == 2
    assert b"choose-level" in done.stderr


@pytest.mark.parametrize("option", [("--engine", "ray"), ("--timeout", 9)])
def test_streams_stay_in_this_process(option):
    data = images.png(picture(8, 8))
    done = neurocodec("encode", "-", "-o", "-", *JPEG, *option, stdin=data)
    assert done.returncode == 2
    assert b"do not see -" in done.stderr


def test_an_address_is_of_a_cluster(folder):
    done = encode(folder, "--address", "auto")
    assert done.returncode == 2
    assert b"--engine ray" in done.stderr


@pytest.mark.parametrize("codec", ["vvc", "jxl", "webp", "jpeg"])
@pytest.mark.parametrize("image", ["odd", "flat", "glyph"])
def test_sound_files_pass_verification(tmp_path, codec, image):
    if image == "odd":
        made = picture(65, 49)
    elif image == "flat":
        made = Image(np.full((32, 32, 3), (200, 30, 90), np.uint8))
    else:
        pixels = np.zeros((32, 32, 3), np.uint8)
        alpha = np.zeros((32, 32), np.uint8)
        pixels[8:20, 8:20], alpha[8:20, 8:20] = 255, 255
        pixels[alpha == 0] = (255, 0, 0)
        made = Image(pixels, alpha)
    path = tmp_path / "a.png"
    path.write_bytes(images.png(made))
    flatten = ("--flatten", "black") if codec in {"vvc", "jpeg"} else ()
    level = ("--qp", 48) if codec == "vvc" else ("--quality", 1)
    options = ("--codec", codec, *level, *flatten, "--filter", "none", "--verify", "-j", 0)
    done = neurocodec("encode", path, *options)
    assert done.returncode == 0, done.stderr


def test_what_fails_verification_leaves_what_was_there(folder, monkeypatch):
    out = folder.parent / "out"
    assert encode(folder).returncode == 0
    before = tree(out)
    right = Jpeg._encode
    monkeypatch.setattr(
        Jpeg, "_encode", lambda self, image, v: right(self, Image(255 - image.pixels), v)
    )
    assert encode(folder, "--verify").returncode == 4
    assert tree(out) == before
