"""`neurocodec train-tv` as users run it, small: a tiny recogniser, made pictures."""

import json

import pytest

from neurocodec import images
from tests.cli.running import neurocodec
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, write

SMALL = "--width 4 --size 32 --batch 2 --validation 2 --threads 1 --device cpu -j 0"


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """The arguments that name a folder of pictures and a recogniser."""
    root = tmp_path_factory.mktemp("training")
    folder = root / "pictures"
    folder.mkdir()
    for seed in range(5):
        (folder / f"{seed}.png").write_bytes(images.png(picture(48, 40, seed=seed)))
    return ["train-tv", "--data", folder, "--model", write(root, CLASSIFIER), *SMALL.split()]


@pytest.mark.parametrize(
    ("arch", "options"), [("tv", ()), ("segnet", ("--lmbda", 0, "--copy-steps", 1))]
)
def test_it_trains_validates_and_encode_takes_the_weights(given, tmp_path, arch, options):
    output = tmp_path / "out"
    validate = ("--codec", "jpeg", "--validate-every", 2)
    done = neurocodec(*given, "-o", output, "--arch", arch, *options, "--max-steps", 2, *validate)
    assert done.returncode == 0, done.stderr
    weights = output / f"{arch}.safetensors"
    assert f"{weights}  2 steps" in done.stdout.decode()
    lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 2]
    assert {"loss", "tv", "d_m.tiny.net"} <= lines[1].keys()

    photo = tmp_path / "photo.png"
    photo.write_bytes(images.png(picture(40, 40)))
    done = neurocodec(
        "encode", photo, "--codec", "jpeg", "--qp", 5, "--pre", f"{arch}:weights={weights}"
    )
    assert done.returncode == 0, done.stderr
    assert b"does not filter" not in done.stderr


def test_no_codec_is_needed_without_a_validation(given, tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROCODEC_X265", str(tmp_path / "nowhere"))
    monkeypatch.setenv("NEUROCODEC_FFMPEG", str(tmp_path / "nowhere"))

    done = neurocodec(*given, "-o", tmp_path / "out", "--max-steps", 1)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([], b"say how long"),
        (["--max-steps", 1, "--lmbda", "nan"], b"--lmbda is a number"),
        (["--max-steps", 1, "--lmbda", "-1"], b"--lmbda"),
        (["--max-steps", 1, "--arch", "npp"], b"--arch"),
        (["--max-steps", 1000, "--arch", "segnet"], b"lower --copy-steps 1000"),
        (["--max-steps", 1, "--loss", "nothing"], b"is called 'nothing'"),
        (["--max-steps", 1, "--task", "detection"], b"made for classification"),
        (["--max-steps", 1, "--codec", "nothing"], b"no codec is called 'nothing'"),
    ],
)
def test_what_makes_no_sense_is_said_before_any_work(given, tmp_path, changes, words):
    done = neurocodec(*given, "-o", tmp_path / "out", *changes)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "out").exists()
