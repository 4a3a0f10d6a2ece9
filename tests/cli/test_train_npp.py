"""`neurocodec train-npp` as users run it, small: JPEG, a tiny recogniser, made pictures."""

import json
import signal
import subprocess
import time
from pathlib import Path

import click
import pytest

from neurocodec import images
from neurocodec.cli import training
from neurocodec.networks import checkpoint
from tests.cli.running import COMMAND, neurocodec
from tests.cli.test_encode_decode import children_of, is_alive
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, write

SMALL = (
    "--codec jpeg --arch npp-light --size 32 --batch 2 --micro-batch 1 --validation 2 "
    "--qp 28-41 --lmbda 1 --threads 1 --device cpu"
)


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> list[object]:
    """The arguments that name a folder of pictures and a recogniser."""
    root = tmp_path_factory.mktemp("training")
    folder = root / "pictures"
    folder.mkdir()
    for seed in range(5):
        (folder / f"{seed}.png").write_bytes(images.png(picture(48, 40, seed=seed)))
    return ["train-npp", "--data", folder, "--model", write(root, CLASSIFIER), *SMALL.split()]


def log(output: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]


def test_it_trains_validates_and_encode_takes_the_weights(given, tmp_path):
    output = tmp_path / "out"
    done = neurocodec(*given, "-o", output, "--max-steps", 2, "--validate-every", 2, "-j", 1)
    assert done.returncode == 0, done.stderr
    assert f"{output / 'npp.safetensors'}  2 steps" in done.stdout.decode()
    assert [line["step"] for line in log(output)] == [1, 2, 2]
    assert {"loss", "bpp", "d_m.tiny.net", "gradient_norm"} <= log(output)[0].keys()

    photo = tmp_path / "photo.png"
    photo.write_bytes(images.png(picture(40, 40)))
    pre = ("--pre", f"npp:weights={output / 'npp.safetensors'}")
    done = neurocodec("encode", photo, "--codec", "jpeg", "--qp", 34, *pre)
    assert done.returncode == 0, done.stderr


def test_a_killed_training_goes_on(given, tmp_path):
    output = tmp_path / "out"
    arguments = [*given, "-o", output, "--max-steps", 10_000, "--save-every", 1, "-j", 1]
    running = subprocess.Popen([*COMMAND, *map(str, arguments)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (output / "state.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    running.kill()
    running.wait(timeout=30)
    state = (output / "state.safetensors").read_bytes()
    killed_at = int(checkpoint.read_tensors(state, "state")[1]["steps"])

    done = neurocodec(*given, "-o", output, "--max-steps", killed_at + 2, "--resume", "-j", 0)

    assert done.returncode == 0, done.stderr
    assert [line["step"] for line in log(output)] == list(range(1, killed_at + 3))


def test_ctrl_c_leaves_what_can_be_resumed_and_no_process(given, tmp_path):
    output = tmp_path / "out"
    arguments = [*given, "-o", output, "--max-steps", 10_000, "--save-every", 1, "-j", 1]
    running = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not (output / "npp.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    children = children_of(running.pid)
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=30)

    assert running.returncode == 130
    assert stderr == b"neurocodec: error: interrupted\n"
    assert children
    assert not any(map(is_alive, children))
    state = (output / "state.safetensors").read_bytes()
    steps = int(checkpoint.read_tensors(state, "state")[1]["steps"])
    assert 1 <= steps <= len(log(output))
    assert not list(output.glob(".neurocodec-*"))


@pytest.mark.parametrize("name", ["npp.safetensors", "log.jsonl"])
def test_a_full_disk(given, tmp_path, name):
    (tmp_path / name).symlink_to("/dev/full")
    done = neurocodec(*given, "-o", tmp_path, "--max-steps", 1, "-j", 0)
    assert done.returncode == 6
    assert b"No space left on device" in done.stderr


@pytest.mark.parametrize("option", ["-o", "--log-dir"])
def test_a_folder_that_cannot_be_made(given, tmp_path, option):
    (tmp_path / "file").write_bytes(b"")
    places = {"-o": tmp_path / "out", "--log-dir": tmp_path / "board"}
    places[option] = tmp_path / "file" / "below"
    named = [text for place in places.items() for text in place]
    done = neurocodec(*given, *named, "--max-steps", 1, "-j", 0)
    assert done.returncode == 6, done.stderr
    assert b"file/below: cannot be written" in done.stderr


def test_a_training_is_not_overwritten(given, tmp_path):
    (tmp_path / "state.safetensors").write_bytes(b"precious")
    (tmp_path / "exchange_rates.json").write_bytes(b"precious")
    done = neurocodec(*given, "-o", tmp_path, "--max-steps", 1, "-j", 0)
    assert done.returncode == 2
    assert b"add --resume" in done.stderr
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"precious"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([], b"say how long"),
        (["--max-steps", 1, "--qp", "45-22"], b"cannot read the QPs"),
        (["--max-steps", 1, "--qp", "28,60"], b"cannot read the QPs"),
    ],
)
def test_what_makes_no_sense_is_said_before_any_work(given, tmp_path, changes, words):
    done = neurocodec(*given, "-o", tmp_path / "out", *changes)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("28-31", [28, 29, 30, 31]),
        ("28,31", [28, 31]),
        ("28-30,30", [28, 29, 30, 30]),
        ("34,28-29,34", [34, 28, 29, 34]),
    ],
)
def test_qps_are_drawn_as_often_as_they_are_named(text, expected):
    seen = []

    @click.command()
    @training.qps
    def command(qps):
        seen.extend(qps)

    command(["--qp", text], standalone_mode=False)
    assert seen == expected
