"""The documents' commands: all are parsed, README's and TRAINING's are run as they stand there."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from neurocodec import images
from neurocodec.cli import COMMANDS, neurocodec
from tests.conftest import picture

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
TRAINING = (ROOT / "weights" / "TRAINING.md").read_text()
BATCH = (ROOT / "neurocodec" / "batch" / "README.md").read_text()
RESULTS = (ROOT / "weights" / "RESULTS.md").read_text()
DATA = "$NEUROCODEC_DATA"
FIRST = "neurocodec"  # the heading of README's first screen


def commands(text: str) -> list[str]:
    """The command lines of indented blocks, without their comments."""
    blocks = re.findall(r"(?:^    .*\n)+", text, flags=re.MULTILINE)
    joined = "".join(blocks).replace("\\\n", " ")
    lines = [re.sub(r"\s+#.*", "", line).strip() for line in joined.splitlines()]
    return [line for line in lines if re.match(r"(env|find|for|neurocodec)", line)]


def sections(text: str) -> dict[str, list[str]]:
    """The commands of every section that has some, by its heading."""
    parts = re.split(r"^##? ", text, flags=re.MULTILINE)
    return {part.partition("\n")[0]: commands(part) for part in parts if commands(part)}


SECTIONS = sections(README) | sections(TRAINING) | sections(BATCH)


def results_page(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "weights" / "results")
    spec = importlib.util.spec_from_file_location(
        "write", ROOT / "weights" / "results" / "write.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_readme_is_short_and_names_every_command():
    assert len(README.encode()) <= 8192
    named = README + TRAINING
    assert [name for name in COMMANDS if not re.search(rf"neurocodec {name}\b", named)] == []


def test_the_results_are_those_that_the_kept_lines_give(monkeypatch):
    written = results_page(monkeypatch)
    assert written.page() == RESULTS
    rows = written.first().splitlines()[2:]
    assert len(rows) == 5
    assert "\n" + "\n".join(rows) + "\n" in README


@pytest.mark.parametrize(
    "command",
    [*commands(README), *commands(TRAINING), *commands(BATCH), *commands(RESULTS)],
    ids=lambda c: c[:60],
)
def test_the_options_of_every_command_exist(command, monkeypatch):
    monkeypatch.setenv("NEUROCODEC_DATA", "data")
    words = shlex.split(re.split(r"[|<>;]", command)[-1 if command.startswith("find") else 0])
    if words[0] == "env":
        words = words[2:]
    if words[0] != "neurocodec":  # a drop-in
        return
    group, context = neurocodec, click.Context(neurocodec)
    for _ in range(2):
        words.pop(0)
        group = group.get_command(context, words[0])
        assert group is not None, words[0]
        if not isinstance(group, click.Group):
            break
    group.make_context(words[0], words[1:])


def needs_data(command: str) -> bool:
    """Whether it reads the big data, or results that come from it."""
    return DATA in command or "runs/" in command


def short(command: str) -> str:
    """The command on one picture, or for a few steps."""
    command = re.sub(r"--bootstrap \d+", "--bootstrap 9", command)
    if "neurocodec evaluate" in command:
        fewer = "--limit 1 --jobs 1" + (" --qp 34" if "mbt2018" in command else "")
        return command.replace("neurocodec evaluate", f"neurocodec evaluate {fewer}")
    if re.search("neurocodec (train|finetune)-", command):
        few = " --max-steps 1 --batch 2 --validation 0 --size 64 -j 1"
        few += " --lmbda 1" if "train-npp" in command else ""
        few += " --statistics 1" if "train-dic" in command else ""
        return re.sub(r" --max-minutes \d+", "", command) + few
    return command


@pytest.fixture
def folder(tmp_path):
    """A folder with the pictures that README speaks of, and `neurocodec` on PATH."""
    photo = images.to_pillow(picture(120, 88))
    for name in ("photo.png", "photo.jpg", "frames/a.png", "frames/sub/b.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        photo.save(path)
    return tmp_path


@pytest.mark.parametrize(
    "section",
    [name if name == FIRST else pytest.param(name, marks=pytest.mark.slow) for name in SECTIONS],
)
def test_the_commands_run_as_written(section, folder, project_weights):
    places = [str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = os.environ | {"PATH": os.pathsep.join(places), "NEUROCODEC_CACHE": "cache"}
    without = "NEUROCODEC_DATA" not in os.environ
    runnable = [line for line in SECTIONS[section] if not (without and needs_data(line))]
    if not runnable:
        pytest.skip("all of its commands read $NEUROCODEC_DATA")
    for command in runnable:
        done = subprocess.run(
            ["sh", "-c", short(command)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        # The curves of so few pictures need not compare.
        known = {0, 7} if "neurocodec bdrate" in command else {0}
        assert done.returncode in known, f"{command}\n{done.stderr}"
