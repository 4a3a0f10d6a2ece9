"""README's commands are typed here as they stand there, each section's in order in a folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from neurocodec import images
from neurocodec.cli import COMMANDS
from tests.conftest import picture

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DATA = "$NEUROCODEC_DATA"


def commands(text: str) -> list[str]:
    """The command lines of indented blocks, without their comments."""
    blocks = re.findall(r"(?:^    .*\n)+", text, flags=re.MULTILINE)
    joined = "".join(blocks).replace("\\\n", " ")
    lines = [re.sub(r"\s+#.*", "", line).strip() for line in joined.splitlines()]
    return [line for line in lines if re.match(r"(bin/neurocodec|env|find|for|neurocodec)", line)]


SECTIONS = {
    text.partition("\n")[0]: commands(text)
    for text in re.split(r"^##? ", README, flags=re.MULTILINE)
    if commands(text)
}


def needs_data(command: str) -> bool:
    """Whether it reads the big data, or results that come from it."""
    return DATA in command or "runs/" in command


def short(command: str) -> str:
    """The command on one picture, for the first recogniser and codec, or for a few steps."""
    command = re.sub(r"--bootstrap \d+", "--bootstrap 9", command)
    command = re.sub(r"for ([cm]) in (\S+)[^;]*;", r"for \1 in \2;", command)
    command = command.replace("bpg,jpeg,jpeg2000", "bpg")
    if "neurocodec evaluate" in command:
        whole = re.sub(r" --limit \d+", "", command)
        return whole.replace("neurocodec evaluate", "neurocodec evaluate --limit 1 --jobs 1")
    if "neurocodec train-" in command:
        few = "--max-steps 1 --batch 2 --validation 2 --size 64 -j 1"
        few += " --lmbda 1" if "train-npp" in command else ""
        return re.sub(r"--max-minutes \d+", few, command)
    return command


@pytest.fixture
def folder(tmp_path):
    """A folder with the pictures that README speaks of, and `neurocodec` on PATH."""
    photo = images.to_pillow(picture(120, 88))
    for name in ("photo.png", "photo.jpg", "frames/a.png", "frames/sub/b.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        photo.save(path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "bin").symlink_to(ROOT / "bin")
    return tmp_path


def test_there_are_commands_and_each_subcommand_is_among_them():
    assert len(SECTIONS) > 3
    for name in COMMANDS:
        assert f"neurocodec {name}" in README, name


@pytest.mark.parametrize("section", SECTIONS)
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
