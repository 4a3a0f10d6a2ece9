"""spic on the command line: levels, classes from latents and from pixels, its measurement."""

import json
import shutil

import pytest

from neurocodec import images
from tests.cli.running import neurocodec
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, write
from tests.networks.spic_files import spic

CODEC = ("--codec", "spic:weights=spic-0.safetensors")
WEIGHTS = ("--weights", "spic-0.safetensors")
MODEL = ("--model", "tiny.net.safetensors")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two pictures, one of them coded by spic and by bpg, and weights."""
    folder = tmp_path_factory.mktemp("spic")
    for seed in range(2):
        (folder / f"{seed} x.png").write_bytes(images.png(picture(60, 50, seed=seed)))
    spic(folder)
    write(folder, CLASSIFIER)
    done(folder, "encode", "0 x.png", *CODEC, "-o", "a.spic")
    done(folder, "encode", "0 x.png", "--qp", 30, "--filter", "none", "-o", "a.bpg")
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "work")


def done(folder, *arguments, **settings):
    run = neurocodec(*arguments, cwd=folder, **settings)
    assert run.returncode == 0, run.stderr
    return run


def records(run):
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_without_a_level_the_quality_factor_is_48(folder):
    assert b"qf              48" in done(folder, "info", "a.spic").stdout
    done(folder, "encode", "0 x.png", *CODEC, "--qf", 48, "-o", "b.spic")
    assert (folder / "a.spic").read_bytes() == (folder / "b.spic").read_bytes()
    coded = done(folder, "encode", "0 x.png", *CODEC, "--qp", 48, "-o", "c.spic")
    assert b"bpp" in coded.stdout


def test_a_filter_works_before_it(folder):
    done(folder, "encode", "0 x.png", *CODEC, "--filter", "blur:sigma=2", "-o", "d.spic")
    assert (folder / "d.spic").read_bytes() != (folder / "a.spic").read_bytes()


def test_a_rate_is_met_by_its_quality_factor(folder):
    more = ("--target-bpp", 1.2, "--json", "--no-cache")
    (record,) = records(done(folder, "encode", "0 x.png", *CODEC, *more))
    assert record["bpp"] <= 1.2
    assert record["target"]["met"]


def test_classes_come_from_latents_and_from_pixels(folder):
    command = ("classify", "a.spic", "a.bpg", "0 x.png", *WEIGHTS, *MODEL, "--top", 3, "--json")
    latents, bpg, png = records(done(folder, *command))

    assert (latents["codec"], latents["model"]) == ("spic", None)
    assert (bpg["codec"], bpg["model"]) == ("bpg", "tiny.net")
    assert (png["codec"], png["model"]) == (None, "tiny.net")
    for record in (latents, bpg, png):
        shares = [one["probability"] for one in record["classes"]]
        assert len(shares) == 3
        assert shares == sorted(shares, reverse=True)
    every = ("classify", "a.spic", *WEIGHTS, "--top", 99, "--json")
    (whole,) = records(done(folder, *every))
    assert sum(one["probability"] for one in whole["classes"]) == pytest.approx(1)


def test_latents_are_classified_without_a_recogniser(folder):
    told = done(folder, "classify", "a.spic", *WEIGHTS, "--model", "nowhere.safetensors")
    assert told.stdout.startswith(b"a.spic  ")


def test_folders_lists_and_pipes_are_classified(folder):
    in_folder = records(done(folder, "classify", ".", *WEIGHTS, *MODEL, "--json"))
    assert [one["file"] for one in in_folder] == ["0 x.png", "1 x.png", "a.bpg", "a.spic"]
    listed = b"a.spic\0" + b"0 x.png\0"
    by_list = done(
        folder, "classify", "--files-from", "-", "-0", *WEIGHTS, *MODEL, "--json", stdin=listed
    )
    assert [one["file"] for one in records(by_list)] == ["a.spic", "0 x.png"]
    piped = done(folder, "classify", "-", *WEIGHTS, stdin=(folder / "a.spic").read_bytes())
    assert piped.stdout.startswith(b"-  ")


def test_a_bad_file_costs_itself_only(folder):
    (folder / "b.spic").write_bytes((folder / "a.spic").read_bytes()[:-3])
    (folder / "empty.png").write_bytes(b"")
    names = ("b.spic", "a.spic", "empty.png", "none.png")
    run = neurocodec("classify", *names, *WEIGHTS, *MODEL, cwd=folder)
    assert run.returncode == 5
    assert run.stdout.startswith(b"a.spic  ")
    assert b"b.spic: the file is truncated" in run.stderr
    assert b"error: empty.png: the file is empty" in run.stderr
    assert b"none.png" in run.stderr


def test_a_wrong_recogniser_is_said_once(folder):
    run = neurocodec("classify", "0 x.png", "1 x.png", "--model", "none.safetensors", cwd=folder)
    assert run.returncode == 3
    assert run.stderr.count(b"none.safetensors") == 1
    (folder / "empty").mkdir()
    assert b"nothing to do" in done(folder, "classify", "empty").stderr


def test_nothing_to_classify_is_a_wrong_command(folder):
    assert neurocodec("classify", cwd=folder).returncode == 2


def test_its_own_classifier_is_measured(folder):
    grid = ("--codec", f"{CODEC[1]},{CODEC[1]}:latents=1", "--qf", "16,128", "-j", 0, "--no-cache")
    command = ("evaluate", ".", "--task", "classification", *MODEL, *grid, "--per-image")
    lines = records(done(folder, *command))

    points = [line for line in lines if line["kind"] == "point"]
    assert [(p["codec"][-10:], p["level"]["qf"]) for p in points[2:]] == [
        (":latents=1", 16),
        (":latents=1", 128),
    ]
    assert points[0]["bpp"] == points[2]["bpp"]
    assert points[0]["scores"]["kl"] != points[2]["scores"]["kl"]
    of_point = {"codec": points[3]["codec"], "level": {"qf": 128}, "picture": "0 x.png"}
    (own,) = (line for line in lines if of_point.items() <= line.items())
    done(folder, "encode", "0 x.png", *CODEC, "--qf", 128, "-o", "c.spic")
    (told,) = records(done(folder, "classify", "c.spic", *WEIGHTS, "--json"))
    (clean,) = records(done(folder, "classify", "0 x.png", *MODEL, "--json"))
    same = told["classes"][0]["index"] == clean["classes"][0]["index"]
    assert own["scores"]["agreement"] == float(same)


def test_its_classes_do_not_serve_other_tasks(folder):
    codec = ("--codec", f"{CODEC[1]}:latents=1", "--qf", 48, "-j", 0, "--no-cache")
    run = neurocodec("evaluate", ".", "--task", "fidelity", *codec, cwd=folder)
    assert run.returncode == 2
    assert b"spic:latents=1 is for --task classification" in run.stderr


def test_a_training_of_two_steps(folder):
    few = ("--batch", 2, "--size", 32, "--max-steps", 2, "--validation", 0, "-j", 0)
    small = ("--latents", 4, "--width", 4, "--classes", 10)
    told = done(folder, "train-spic", "--data", ".", "-o", "out", *small, *few, *MODEL).stdout

    assert told.startswith(b"out/spic.safetensors  2 steps")
    codec = ("--codec", "spic:weights=out/spic.safetensors")
    done(folder, "encode", "1 x.png", *codec, "-o", "b.spic")
    done(folder, "classify", "b.spic", "--weights", "out/spic.safetensors")
