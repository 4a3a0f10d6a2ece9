"""`neurocodec train-tv` as users run it, small: a tiny recogniser, pictures of a few pixels."""

import json

import pytest

from neurocodec import images, tools
from neurocodec.cli.commands import train_tv
from neurocodec.networks import checkpoint
from tests.cli.running import neurocodec
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, write
from tests.training.conftest import jpeg_in_process

SMALL = "--width 4 --size 32 --batch 2 --validation 2 --threads 1 --device cpu -j 0"


@pytest.fixture(scope="module", autouse=True)
def no_programs():
    with jpeg_in_process():
        yield


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """The arguments that name a folder of pictures and a recogniser."""
    root = tmp_path_factory.mktemp("training")
    folder = root / "pictures"
    folder.mkdir()
    for seed in range(5):
        (folder / f"{seed}.png").write_bytes(images.png(picture(48, 40, seed=seed)))
    return ["train-tv", "--data", folder, "--model", write(root, CLASSIFIER), *SMALL.split()]


@pytest.mark.parametrize(
    ("arch", "more"), [("tv", ()), ("segnet", ("--lmbda", 0, "--copy-steps", 1))]
)
def test_it_trains_and_encode_takes_the_weights(options, tmp_path, arch, more):
    output = tmp_path / "out"
    done = neurocodec(*options, "-o", output, "--arch", arch, *more, "--max-steps", 2)
    assert done.returncode == 0, done.stderr
    weights = output / f"{arch}.safetensors"
    assert f"{weights}  2 steps" in done.stdout.decode()
    lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    assert {"loss", "tv", "d_m.tiny.net"} <= lines[1].keys()

    photo = tmp_path / "photo.png"
    photo.write_bytes(images.png(picture(40, 40)))
    done = neurocodec(
        "encode", photo, "--codec", "jpeg", "--qp", 5, "--pre", f"{arch}:weights={weights}"
    )
    assert done.returncode == 0, done.stderr
    assert b"does not filter" not in done.stderr


def test_a_codec_that_fails_in_the_validation_costs_the_bd_rate_only(
    options, tmp_path, monkeypatch
):
    data = options[options.index("--data") + 1]
    for seed in range(5, 12):
        (data / f"{seed}.png").write_bytes(images.png(picture(48, 40, seed=seed)))
    monkeypatch.setattr("neurocodec.codecs.jpeg.lookup", tools.lookup)
    monkeypatch.setenv("NEUROCODEC_CJPEG", str(tmp_path / "nowhere"))

    more = ("--codec", "jpeg", "--validation", 8, "--max-steps", 1)
    done = neurocodec(*options, "-o", tmp_path / "out", *more)

    assert done.returncode == 0, done.stderr
    assert b"no BD-rate: NEUROCODEC_CJPEG=" in done.stdout
    assert (tmp_path / "out" / "tv.safetensors").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([], b"say how long"),
        (["--max-steps", 1, "--lmbda", "nan"], b"cannot read"),
        (["--max-steps", 1, "--lmbda", "-1"], b"--lmbda"),
        (["--max-steps", 1, "--arch", "npp"], b"--arch"),
        (["--max-steps", 1000, "--arch", "segnet"], b"lower --copy-steps 1000"),
        (["--max-steps", 1, "--loss", "nothing"], b"is called 'nothing'"),
        (["--max-steps", 1, "--task", "detection"], b"made for classification"),
        (["--max-steps", 1, "--codec", "nothing"], b"no codec is called 'nothing'"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_before_any_work(
    options, tmp_path, changes, words
):
    done = neurocodec(*options, "-o", tmp_path / "out", *changes)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_range_of_lmbda_makes_one_filter_for_all_of_them(options, tmp_path):
    output = tmp_path / "out"
    done = neurocodec(*options, "-o", output, "--lmbda", "1-40", "--max-steps", 1)
    assert done.returncode == 0, done.stderr
    photo = tmp_path / "photo.png"
    photo.write_bytes(images.png(picture(40, 40)))

    def filtered(lmbda):
        setting = f"tv:weights={output / 'tv.safetensors'}:lmbda={lmbda}"
        return neurocodec(
            "filter", photo, "--filter", setting, "--qp", 34, "-o", tmp_path / f"{lmbda}.png"
        )

    assert filtered(40).returncode == 0
    beyond = filtered(41)
    assert beyond.returncode == 2
    assert b"1 to 40" in beyond.stderr


@pytest.mark.parametrize(
    ("text", "ends"),
    [("5", (5, 5)), ("1e-3", (1e-3, 1e-3)), ("0.5-4e+1", (0.5, 40)), ("0", (0, 0))],
)
def test_what_a_lmbda_may_be(text, ends):
    assert train_tv._range(None, None, text) == ends


@pytest.mark.parametrize("text", ["0-3", "4-1", "x", "1-inf", "-1", "1.2.3", ""])
def test_a_lmbda_that_cannot_be_read(options, tmp_path, text):
    done = neurocodec(*options, "-o", tmp_path / "out", f"--lmbda={text}", "--max-steps", 1)

    assert done.returncode == 2
    assert b"1-40" in done.stderr


def test_segnet_has_one_lmbda(options, tmp_path):
    chosen = ("--arch", "segnet", "--lmbda", "1-2", "--copy-steps", 0, "--max-steps", 1)
    done = neurocodec(*options, "-o", tmp_path / "out", *chosen)

    assert done.returncode == 2
    assert b"adapts to no" in done.stderr


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        (("--arch", "segnet", "--copy-steps", 1, "--lmbda", 0), ("--arch", "segnet"), b""),
        (("--lmbda", "1-2"), ("--lmbda", "1-2"), b""),
        (("--lmbda", "1-2"), ("--lmbda", "1-3"), "its λ is 1-2: correct --lmbda".encode()),
        ((), ("--lmbda", "1-3"), "its λ is one, and no range".encode()),
        ((), ("--arch", "segnet"), b"holds a tv, not a filter of --arch segnet"),
        ((), ("--width", 8), b"has width 4: leave out --width"),
    ],
)
def test_it_goes_on_from_weights(options, tmp_path, first, then, words):
    """Without copying; the weights are those that it began with, changed by one step."""
    done = neurocodec(*options, "-o", tmp_path / "first", *first, "--max-steps", 2)
    assert done.returncode == 0, done.stderr
    start = tmp_path / "first" / ("segnet.safetensors" if "segnet" in first else "tv.safetensors")

    chosen = ("--from", start, *then, "--max-steps", 1, "--learning-rate", 1e-6)
    done = neurocodec(*options, "-o", tmp_path / "then", *chosen)

    assert done.returncode == (2 if words else 0), done.stderr
    assert words in done.stderr
    if not words:
        before, after = (
            checkpoint.read_tensors(path.read_bytes(), "weights")[0]
            for path in (start, tmp_path / "then" / start.name)
        )
        name = "body.last.weight"
        assert 0 < (before[name] - after[name]).abs().max() <= 2e-6
        log = (tmp_path / "then" / "log.jsonl").read_text().splitlines()
        assert "d_m.tiny.net" in json.loads(log[0])


def test_it_tells_of_a_training_that_ended_while_copying(options, tmp_path):
    chosen = ("--arch", "segnet", "--lmbda", 0, "--copy-steps", 100_000, "--max-minutes", 0.01)
    done = neurocodec(*options, "-o", tmp_path / "out", *chosen)

    assert done.returncode == 0, done.stderr
    assert b"has only learnt to copy" in done.stdout + done.stderr
