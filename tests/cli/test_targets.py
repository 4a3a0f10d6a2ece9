"""`encode` with a target in place of a level."""

import io
import json
from pathlib import Path

import PIL.Image
import pytest

from neurocodec import images
from neurocodec.codecs import CODECS
from neurocodec.codecs.jpeg import Jpeg
from neurocodec.filters.scale import Scale
from tests.cli.running import neurocodec
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, write, write_sensitive

JPEG = ("--codec", "jpeg", "--filter", "none")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("NEUROCODEC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return stored(tmp_path / "photo.png")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_sensitive(tmp_path_factory.mktemp("model"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures of different sizes, one with little in it."""
    for number, size in enumerate([(96, 64), (64, 48), (80, 81)]):
        stored(tmp_path / "in" / f"{number}.png", *size, seed=number)
    return tmp_path / "in"


def stored(path: Path, width: int = 96, height: int = 64, **kind) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(images.png(picture(width, height, **kind)))
    return path


def records(*arguments, code=0):
    done = neurocodec("encode", *arguments, "--json")
    assert done.returncode == code, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def size_at(photo: Path, quality: int) -> int:
    out = photo.parent / f"{quality}.jpg"
    (record,) = records(
        photo, "--codec", "jpeg", "--filter", "none", "--quality", quality, "-o", out
    )
    return record["size_bytes"]


def test_the_largest_file_within_a_size_is_written(photo):
    (said,) = records(photo, *JPEG, "--target-size", "1.5k")
    target, quality = said["target"], said["quality"]
    assert photo.with_suffix(".jpg").stat().st_size == said["size_bytes"] <= 1536
    assert said["level"] == {"quality": quality}
    assert said["qp"] is None
    assert size_at(photo, quality) == said["size_bytes"]
    assert size_at(photo, quality + 1) > 1536
    assert target["encodings"] in range(1, 7)
    expected = {"quantity": "size_bytes", "value": 1536, "reached": said["size_bytes"], "met": True}
    assert target == expected | {"encodings": target["encodings"]}


@pytest.mark.parametrize(("text", "size"), [("1500", 1500), ("1.5k", 1536), ("0.002M", 2097)])
def test_sizes_are_bytes_or_have_a_unit(photo, text, size):
    (said,) = records(photo, *JPEG, "--target-size", text)
    assert said["target"]["value"] == size


def test_the_most_bits_within_a_rate_and_the_line_that_says_so(photo):
    done = neurocodec("encode", photo, *JPEG, "--target-bpp", "2")
    line = done.stdout.decode()
    words = line.split()
    assert float(words[4]) <= 2
    assert words[-2:] == [words[-2], "encodings)"]
    assert f"(quality {words[7].rstrip(',')}, {words[8]} encodings)" in line


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_reaches_a_rate(tmp_path, codec):
    odd = stored(tmp_path / "odd.png", 45, 37)
    (said,) = records(odd, "--codec", codec, "--filter", "none", "--target-bpp", 2.5)
    assert said["target"]["met"]
    assert 1.5 < said["bpp"] <= 2.5
    # What a header takes of so small a file puts the first guesses off, by most for these two.
    assert said["target"]["encodings"] <= (10 if codec in {"jxl", "heic"} else 6)


def test_a_level_alone_has_no_target(photo):
    (said,) = records(photo, *JPEG, "--qp", 34)
    assert said["target"] is None


def test_a_second_run_and_evaluate_encode_nothing_anew(tmp_path, model, monkeypatch):
    photo = stored(tmp_path / "data" / "photo.png")
    options = (photo, *JPEG, "--target-bpp", 2, "-o", tmp_path / "photo.jpg")
    first = records(*options)[0]

    def refuse(*arguments):
        raise AssertionError("encoded anew")

    monkeypatch.setattr(Jpeg, "_encode", refuse)
    (again,) = records(*options)
    assert again["target"] == first["target"] | {"encodings": 0}
    assert again["sha256"] == first["sha256"]
    measured = neurocodec(
        "evaluate", photo.parent, "--task", "classification", "--model", model, "--codec", "jpeg",
        "--quality", first["quality"], "-j", 0,
    )  # fmt: skip
    assert measured.returncode == 0, measured.stderr
    assert json.loads(measured.stdout)["bpp"] == first["bpp"]


def test_without_a_cache_nothing_is_left(photo, cache):
    for _ in range(2):
        (said,) = records(photo, *JPEG, "--target-bpp", 2, "--no-cache", "--overwrite")
        assert said["target"]["encodings"] > 0
    assert not cache.exists()


@pytest.mark.parametrize(("target", "nearest"), [("--target-bpp=0.01", 1), ("--target-size=10", 1)])
def test_what_cannot_be_reached_is_noted_or_strictly_refused(photo, target, nearest):
    done = neurocodec("encode", photo, *JPEG, target, "--json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert (said["quality"], said["target"]["met"]) == (nearest, False)
    assert b"photo.png: no level reaches" in done.stderr
    photo.with_suffix(".jpg").unlink()
    refused = neurocodec("encode", photo, *JPEG, target, "--strict")
    assert refused.returncode == 2
    assert b"photo.png: no level reaches" in refused.stderr
    assert b"--strict" in refused.stderr
    assert not photo.with_suffix(".jpg").exists()


@pytest.mark.parametrize("target", ["1", "kl:0.001", "agreement:0.5"])
def test_a_score_is_reached_with_the_fewest_bits(photo, model, target):
    options = (*JPEG, "--model", model, "--target-score")
    (said,) = records(photo, *options, target)
    reached = said["target"]
    quantity = "kl" if target.startswith("kl") else "agreement"
    assert (reached["quantity"], reached["met"]) == (quantity, True)
    assert reached["reached"] <= 0.001 if quantity == "kl" else reached["reached"] == 1
    if quantity == "kl":
        assert 1 < said["quality"] < 100
    shown = neurocodec("encode", photo, *options, target, "--overwrite").stdout.decode()
    assert f", {quantity} {reached['reached']:.3f}, 0 encodings)" in shown


def test_a_score_out_of_reach_takes_the_most_bits(photo, model):
    done = neurocodec(
        "encode", photo, *JPEG, "--model", model, "--target-score", "kl:1e-12", "--json"
    )
    assert json.loads(done.stdout)["quality"] == 100
    assert b"no level reaches kl 0.000" in done.stderr


def test_several_recognisers_are_averaged(photo, model, tmp_path):
    other = write(tmp_path, CLASSIFIER)

    def reached(*models):
        options = [word for name in models for word in ("--model", name)]
        (said,) = records(photo, *JPEG, *options, "--target-score", "kl:9999", "--overwrite")
        assert said["quality"] == 1
        return said["target"]["reached"]

    assert reached(model, other) == pytest.approx((reached(model) + reached(other)) / 2)
    assert reached(model) > 10 * reached(other)


def test_a_folder_shares_a_level_at_which_the_mean_holds(folder, tmp_path):
    options = (folder, *JPEG, "--target-bpp", 2, "-j", 0)
    alone = records(*options, "-o", tmp_path / "alone")
    together = records(*options, "-o", tmp_path / "together", "--per", "folder")
    assert len({record["quality"] for record in alone}) > 1
    (quality,) = {record["quality"] for record in together}
    bits = 8 * sum(record["size_bytes"] for record in together)
    pixels = sum(record["width"] * record["height"] for record in together)
    assert {record["target"]["reached"] for record in together} == {bits / pixels}
    assert bits / pixels <= 2
    beyond = records(folder, *JPEG, "--quality", quality + 1, "-o", tmp_path / "beyond", "-j", 0)
    assert 8 * sum(record["size_bytes"] for record in beyond) / pixels > 2


@pytest.mark.parametrize("per", ["picture", "folder"])
def test_workers_make_the_same_files_and_a_bad_picture_costs_itself(folder, tmp_path, per):
    (folder / "bad.png").write_bytes(b"no picture")
    for jobs in (0, 2):
        out = tmp_path / str(jobs)
        done = neurocodec(
            "encode", folder, *JPEG, "--target-size", "1k", "--per", per, "--no-cache",
            "-j", jobs, "-o", out, "--json",
        )  # fmt: skip
        assert done.returncode == 5
        assert b"bad.png: not a picture" in done.stderr
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        assert [one.get("exit_code") for one in objects].count(None) == 3
        assert len(objects) == 4
    first, second = ([path.read_bytes() for path in sorted((tmp_path / j).iterdir())] for j in "02")
    assert first == second


def test_a_folder_that_misses_is_noted_once_or_not_written(folder, tmp_path):
    options = (
        folder,
        *JPEG,
        "--target-size",
        "10",
        "--per",
        "folder",
        "-j",
        0,
        "-o",
        tmp_path / "o",
    )
    refused = neurocodec("encode", *options, "--strict")
    assert refused.returncode == 2
    assert list((tmp_path / "o").iterdir()) == []
    done = neurocodec("encode", *options)
    assert done.stderr.count(b"no level reaches 10 bytes") == 1
    assert done.stdout.count(b"(quality 1, 0 encodings)") == 3


def test_a_folder_has_one_score(folder, tmp_path, model):
    options = ("--model", model, "--target-score", "kl:0.001", "--per", "folder", "-j", 0)
    together = records(folder, *JPEG, *options, "-o", tmp_path / "o")
    assert len({record["quality"] for record in together}) == 1
    assert {record["target"]["met"] for record in together} == {True}


def test_pipes_carry_the_picture_and_the_line_goes_to_stderr(photo):
    done = neurocodec(
        "encode", "-", *JPEG, "--target-bpp", "2", "-o", "-", stdin=photo.read_bytes()
    )
    assert PIL.Image.open(io.BytesIO(done.stdout)).size == (96, 64)
    assert b"encodings)" in done.stderr


def test_alpha_is_refused_flattened_or_kept(tmp_path, model):
    source = stored(tmp_path / "a.png", 40, 32, alpha=True)
    score = ("--model", model, "--target-score", "kl:0.05")
    for target in (("--target-bpp", "3"), score):
        refused = neurocodec("encode", source, *JPEG, *target, "--overwrite")
        assert refused.returncode == 2
        assert b"--flatten" in refused.stderr
        assert records(source, *JPEG, *target, "--flatten", "black", "--overwrite")[0]["target"][
            "met"
        ]
        (kept,) = records(source, "--filter", "none", *target)
        assert kept["target"]["met"]


def test_a_lossless_setting_is_encoded_once(photo):
    done = neurocodec("encode", photo, "--codec", "bpg:lossless=1", "--target-bpp", "1", "--json")
    assert json.loads(done.stdout)["target"]["encodings"] == 1
    assert b"no level reaches" in done.stderr


def test_a_filter_that_scales_is_scored_at_the_pictures_size(photo, model):
    options = ("--codec", "jpeg", "--filter", "scale:factor=0.5", "--model", model)
    (said,) = records(photo, *options, "--target-score", "kl:0.2")
    assert said["coded_width"] == 48
    assert said["target"]["met"]


def test_a_search_gets_the_models_of_the_score(photo, model):
    options = ("--codec", "jpeg", "--filter", "search:steps=1", "--model", model)
    for _ in range(2):
        (said,) = records(photo, *options, "--target-score", "kl:0.05", "--overwrite")
        assert f"model={model}" in said["pre"]
        assert said["search"]["steps"] == 1
        assert said["target"]["met"]
    assert said["target"]["encodings"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], b"--target-size"),
        (["--qp", "34", "--target-bpp", "1"], b"give one of"),
        (["--target-size", "20k", "--target-bpp", "1"], b"give one of"),
        (["--target-size", "20kB"], b"20k or 1.5M"),
        (["--target-size", "0.1"], b"20k or 1.5M"),
        (["--target-bpp", "nan"], b"bits per pixel"),
        (["--target-bpp", "-1"], b"bits per pixel"),
        (["--target-score", "95", "--model", "x"], b"at most 1"),
        (["--target-score", "top1:0.9", "--model", "x"], b"kl:0.3"),
        (["--target-score", "0.9"], b"add --model"),
        (["--target-score", "kl:1", "--model", "x", "--task", "detection"], b"has no kl"),
        (["--target-score", "0.9", "--model", "x", "--task", "fidelity"], b"has no agreement"),
        (["--target-bpp", "1", "--model", "x"], b"--filter search"),
        (["--qp", "34", "--strict"], b"--strict, --per and --no-cache"),
        (["--qp", "34", "--per", "folder"], b"--strict, --per and --no-cache"),
        (["--qp", "34", "--no-cache"], b"--strict, --per and --no-cache"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_said_in_one_line(photo, arguments, words):
    done = neurocodec("encode", photo, *arguments, "--filter", "none")
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_folder_cannot_read_standard_input_twice(photo):
    options = (*JPEG, "--target-bpp", "2", "--per", "folder", "-j", 0)
    done = neurocodec("encode", photo, "-", *options, stdin=photo.read_bytes())
    assert done.returncode == 2
    assert b"--per folder" in done.stderr


def test_a_filter_that_passes_the_picture_at_the_chosen_level_says_so_once(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(Scale, "qps", (0, 1))
    options = ("--codec", "jpeg", "--filter", "scale:factor=0.5", "--target-bpp", "2", "-j", 0)
    done = neurocodec("encode", folder, *options, "-o", tmp_path / "o")
    assert done.stderr.count(b"knows QP 0 to 1 only") == 1


def test_a_cache_that_cannot_be_written_says_what_to_type(photo, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("NEUROCODEC_CACHE", str(tmp_path / "file"))
    done = neurocodec("encode", photo, *JPEG, "--target-bpp", "2")
    assert done.returncode == 6
    assert b"add --no-cache" in done.stderr
