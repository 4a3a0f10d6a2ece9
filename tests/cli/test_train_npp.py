"""`neurocodec train-npp` as users run it, small: JPEG and a tiny recogniser."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from io import FileIO
from pathlib import Path

import click
import pytest

from neurocodec import images
from neurocodec.cli import training, training_report
from neurocodec.networks import checkpoint
from tests.cli.running import COMMAND, neurocodec
from tests.cli.test_encode_decode import children_of, is_alive
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, write
from tests.training.conftest import jpeg_in_process

SMALL = (
    "--codec jpeg --arch npp-light --size 32 --batch 2 --micro-batch 1 --validation 2 "
    "--qp 28-41 --lmbda 1 --threads 1 --device cpu"
)


@pytest.fixture(scope="module", autouse=True)
def no_programs():
    with jpeg_in_process():
        yield


@pytest.fixture(scope="module")
def options(tmp_path_factory) -> list[object]:
    """The arguments that name a folder of pictures and a recogniser."""
    root = tmp_path_factory.mktemp("training")
    folder = root / "pictures"
    folder.mkdir()
    for seed in range(5):
        (folder / f"{seed}.png").write_bytes(images.png(picture(48, 40, seed=seed)))
    return ["train-npp", "--data", folder, "--model", write(root, CLASSIFIER), *SMALL.split()]


def log(output: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if "loss" in line]


def steps_of(output: Path) -> int:
    state = (output / "state.safetensors").read_bytes()
    return int(checkpoint.read_tensors(state, "state")[1]["steps"])


def test_it_trains_and_encode_takes_the_weights(options, tmp_path):
    output = tmp_path / "out"
    aliases = ("--average", 0.9, "--soften", 0.5, "--partial-views")
    done = neurocodec(*options, "-o", output, "--max-steps", 2, "-j", 0, *aliases)
    assert done.returncode == 0, done.stderr
    weights, remark = done.stdout.decode().splitlines()
    assert weights.startswith(f"{output / 'npp.safetensors'}  2 steps")
    assert remark == "no BD-rate: it needs 8 pictures kept apart, not 2: see --validation"
    assert [line.removeprefix("neurocodec: ") for line in done.stderr.decode().splitlines()] == [
        "starting",
        "looking for pictures",
        "loading recognisers",
        "reading pictures",
        "measuring the rate–distortion slope",
        "training: step 1",
        "measuring on the pictures kept apart",
        "reading pictures",
    ]
    assert [line["step"] for line in log(output)] == [1, 2]
    stored = checkpoint.load((output / "npp.safetensors").read_bytes(), "npp").made
    assert (stored["config"]["ema"], stored["config"]["blur_augmentation"]) == (0.9, 0.5)
    assert stored["random_crops"] is True

    photo = tmp_path / "photo.png"
    photo.write_bytes(images.png(picture(40, 40)))
    pre = ("--pre", f"npp:weights={output / 'npp.safetensors'}")
    done = neurocodec("encode", photo, "--codec", "jpeg", "--qp", 34, *pre)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def running():
    """A function that starts a training in a process, and waits until it has saved a state."""
    started = []

    def start(arguments, output):
        more = ["-o", output, "--max-steps", 10_000, "--save-every", 1, "-j", 1]
        process = subprocess.Popen(
            [*COMMAND, *map(str, [*arguments, *more])],
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        started.append(process)
        deadline = time.monotonic() + 60
        while not (output / "npp.safetensors").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_killed_training_goes_on(options, running, tmp_path):
    output = tmp_path / "out"
    process = running(options, output)
    process.kill()
    process.wait(timeout=30)
    killed_at = steps_of(output)

    done = neurocodec(*options, "-o", output, "--max-steps", killed_at + 2, "--resume", "-j", 0)

    assert done.returncode == 0, done.stderr
    assert [line["step"] for line in log(output)] == list(range(1, killed_at + 3))


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_state_and_leaves_no_process(options, running, tmp_path, number, code):
    output = tmp_path / "out"
    process = running(options, output)
    children = children_of(process.pid)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)

    assert process.returncode == code
    assert b"stopping after this step, to save the state" in stderr
    assert b"bug" not in stderr
    assert children
    assert not any(map(is_alive, children))
    assert steps_of(output) == len(log(output))
    assert not list(output.glob(".neurocodec-*"))


@pytest.mark.parametrize("name", ["npp.safetensors", "log.jsonl"])
def test_a_full_disk(options, tmp_path, name):
    (tmp_path / name).symlink_to("/dev/full")
    done = neurocodec(*options, "-o", tmp_path, "--max-steps", 1, "-j", 0)
    assert done.returncode == 6
    assert b"No space left on device" in done.stderr


def test_a_disk_that_is_full_from_the_beginning_costs_no_work(options, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: FileIO("/dev/full", "w"))
    output = tmp_path / "out"
    done = neurocodec(*options, "-o", output, "--max-steps", 1, "-j", 0)
    assert done.returncode == 6
    assert f"{output}: cannot be written (No space left on device): free" in done.stderr.decode()
    assert b"looking for pictures" not in done.stderr
    assert not output.exists()


@pytest.mark.parametrize("option", ["-o", "--log-dir"])
def test_a_folder_that_cannot_be_made(options, tmp_path, option):
    (tmp_path / "file").write_bytes(b"")
    places = {"-o": tmp_path / "out", "--log-dir": tmp_path / "board"}
    places[option] = tmp_path / "file" / "below"
    named = [text for place in places.items() for text in place]
    done = neurocodec(*options, *named, "--max-steps", 1, "-j", 0)
    assert done.returncode == 6, done.stderr
    assert b"file/below: cannot be written" in done.stderr
    assert b"another folder with " + option.encode() in done.stderr
    assert b"looking for pictures" not in done.stderr


def test_a_training_is_not_overwritten(options, tmp_path):
    (tmp_path / "state.safetensors").write_bytes(b"precious")
    done = neurocodec(*options, "-o", tmp_path, "--max-steps", 1, "-j", 0)
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
def test_an_option_that_makes_no_sense_is_refused_before_any_work(
    options, tmp_path, changes, words
):
    done = neurocodec(*options, "-o", tmp_path / "out", *changes)
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


LINE = {"step": 120, "loss": 0.91234, "pictures_per_s": 6.31, "minutes_left": 12.3}


@pytest.fixture
def terminal(monkeypatch):
    """A report on a terminal, and a clock that the test moves."""
    clock = [100.0]
    monkeypatch.setattr(training_report.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    return training_report.TerminalReport(), clock


def test_on_a_terminal_the_status_is_a_line_that_is_rewritten(terminal, capsys):
    report, clock = terminal
    with report:
        report.status("starting")
        report.step(LINE | {"step": 119})
        report.status("another phase")
        clock[0] += 3
        report.step(LINE)
        report.note("a picture is left out")
    text = capsys.readouterr().err

    assert "\r\x1b[Kstarting\r\x1b[Kanother phase\r\x1b[K" in text
    assert "step 119" not in text
    assert "\r\x1b[Kstep 120  loss 0.9123  6.31 pictures/s  12 min left" in text
    assert "\r\x1b[Kneurocodec: a picture is left out\n" in text
    assert text.endswith("\r\x1b[K")


def test_elsewhere_a_phase_is_a_line_and_progress_a_line_every_ten_seconds(capsys, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(training_report.time, "monotonic", lambda: clock[0])
    report = training_report.TerminalReport()
    report.status("training: step 1")
    for _ in range(30):
        clock[0] += 1
        report.step(LINE)
    report.status("measuring")
    for _ in report.tracked(range(3), 3, "coding"):
        clock[0] += 6

    lines = [line.split("  ")[0] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "neurocodec: training: step 1",
        *["neurocodec: step 120"] * 3,
        "neurocodec: measuring",
        "neurocodec: coding",
        "neurocodec: coding 3/3",
    ]


def test_of_several_processes_the_first_one_shows_the_status(capsys, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    report = training_report.TerminalReport()
    report.status("starting")
    report.note("a picture is left out")

    assert capsys.readouterr().err == "neurocodec: a picture is left out\n"
