"""Two processes on one machine, joined by gloo, as torchrun starts them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from neurocodec.losses import Recognition
from neurocodec.networks import checkpoint
from neurocodec.training import npp
from neurocodec.training.config import Config
from neurocodec.training.npp import NppOptions
from neurocodec.training.report import Report
from tests.networks.recogniser_files import CLASSIFIER, write

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
ROOT = Path(__file__).parent.parent.parent
LIMIT_S = 120
pytestmark = pytest.mark.slow


@contextmanager
def running(*command, **environment):
    """A process of a group of its own, none of which outlives the block."""
    process = subprocess.Popen(
        [*map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def processes_of(output):
    """The command lines that name a folder, of all processes of this machine."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:
            continue
    return [line for line in lines if os.fsencode(output) in line]


def tensors(path):
    return checkpoint.read_tensors(path.read_bytes(), str(path))[0]


SMALL = {"batch": 4, "micro_batch": 1, "size": 32, "validation": 2, "jobs": 0, "device": "cpu"}


@pytest.fixture
def model(tmp_path):
    return write(tmp_path, CLASSIFIER)


def arguments(folder, model, output, **more):
    settings = SMALL | {"data": folder, "model": model, "output": output, "codec": "jpeg"}
    settings |= {
        "arch": "npp-light",
        "qp": "28-41",
        "lmbda": 1,
        "threads": 1,
        "save_every": 1,
    } | more
    options = [
        text for name, value in settings.items() for text in (f"--{name.replace('_', '-')}", value)
    ]
    return ["-m", "neurocodec", "train-npp", *options]


def test_two_processes_make_the_steps_of_one_with_the_whole_batch(folder, model, tmp_path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    recognition = Recognition([str(model)])
    options = NppOptions("jpeg", range(28, 42), recognition, "npp-light", lmbda="1")
    settings = SMALL | {"ema": 0.5}
    npp.train(options, Config(alone, folder, **settings, max_steps=1), Report())
    shutil.copytree(alone, together)
    resumed = Config(alone, folder, **settings, max_steps=3, resume=True)
    npp.train(options, resumed, Report())

    command = [*arguments(folder, model, together, max_steps=3, ema=0.5), "--resume"]
    with running(*TORCHRUN, *command) as process:
        stdout, stderr = process.communicate(timeout=LIMIT_S)

    assert process.returncode == 0, stderr.decode()
    assert stdout.decode().count("3 steps") == 1
    assert b"Warning" not in stderr
    one, two = (tensors(path / "state.safetensors") for path in (alone, together))
    assert one.keys() == two.keys()
    for name in one:
        assert torch.allclose(one[name], two[name], rtol=1e-4, atol=1e-6), name
    for path in (alone, together):
        lines = [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()]
        assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3]


def test_all_processes_have_the_same_weights_statistics_and_end(folder, tmp_path):
    with running(*TORCHRUN, "-m", "tests.training.two", tmp_path, folder) as process:
        _, stderr = process.communicate(timeout=LIMIT_S)

    assert process.returncode == 0, stderr.decode()
    first, second = (tensors(tmp_path / f"rank-{rank}.safetensors") for rank in (0, 1))
    saved = tensors(tmp_path / "npp.safetensors")
    assert first.keys() == second.keys() == saved.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert all(torch.equal(first[name], saved[name]) for name in first)
    statistics = [value for name, value in first.items() if name.endswith("running_mean")]
    assert statistics
    assert all(value.any() for value in statistics)


def test_a_process_whose_neighbour_dies_ends_and_says_so(folder, tmp_path):
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        port = str(listener.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    command = [sys.executable, "-m", "tests.training.two", tmp_path, folder, "dies"]
    with (
        running(*command, **shared, RANK="0") as first,
        running(*command, **shared, RANK="1") as second,
    ):
        _, stderr = first.communicate(timeout=LIMIT_S)
        assert second.wait(timeout=LIMIT_S) == 9

    assert first.returncode == 4, stderr.decode()
    assert b"another process of this training ended" in stderr
    assert b"Traceback" not in stderr


def test_ctrl_c_ends_all_processes_and_leaves_what_can_be_resumed(folder, model, tmp_path):
    output = tmp_path / "out"
    command = arguments(folder, model, output, max_steps=100_000, jobs=1)
    with running(*TORCHRUN, *command) as process:
        deadline = time.monotonic() + LIMIT_S
        while not (output / "npp.safetensors").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=LIMIT_S)

    assert process.returncode not in (None, 0)
    assert b"a bug in neurocodec" not in stderr
    assert processes_of(output) == []
    state = (output / "state.safetensors").read_bytes()
    assert int(checkpoint.read_tensors(state, "state")[1]["steps"]) >= 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [({}, b"start with torchrun"), ({"batch": 3}, b"make it a multiple of 2")],
)
def test_what_cannot_be_shared_is_reported_before_any_work(folder, model, tmp_path, changes, words):
    command = arguments(folder, model, tmp_path / "out", max_steps=1, **changes)
    with running(sys.executable, *command, WORLD_SIZE="2") as process:
        _, stderr = process.communicate(timeout=LIMIT_S)

    assert process.returncode == 2
    assert words in stderr
    assert not (tmp_path / "out").exists()
