"""tools.py against programs that misbehave in every way a program can."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from neurocodec import tools
from neurocodec.errors import MissingError, ToolError, ToolTimeoutError
from neurocodec.tools import Program, Tool

SAYS_VERSION = 'if [ "$1" = --version ]; then echo "faketool 1.2.3"; exit 0; fi\n'


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Write a shell program named faketool into an empty PATH folder and return its Tool."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(tools, "PROJECT_BIN", tmp_path / "bin")

    def write(body: str, folder: Path = folder) -> Tool:
        folder.mkdir(exist_ok=True)
        program = folder / "faketool"
        program.write_text("#!/bin/sh\n" + body)
        program.chmod(0o755)
        return Tool("faketool", ("--version",), r"faketool (\S+)", "apt-get install faketool")

    yield write
    tools._probe.cache_clear()


def run(tool: Tool, *arguments: str, **options) -> bytes:
    return tools.run(tools.find(tool), arguments, **{"timeout_s": 20, **options})


def test_result_is_standard_output(fake):
    assert run(fake(SAYS_VERSION + 'printf "%s|" "$@"'), "a b", "-c", "$HOME") == b"a b|-c|$HOME|"


def test_stdin_is_the_given_bytes_and_else_empty(fake):
    tool = fake(SAYS_VERSION + "cat; echo end")
    assert run(tool, stdin=b"\x00\xff") == b"\x00\xffend\n"
    assert run(tool) == b"end\n"


def test_a_failing_program_is_named_with_its_last_words(fake):
    tool = fake(SAYS_VERSION + "echo first >&2; echo no such thing >&2; exit 3")
    with pytest.raises(ToolError, match=r"faketool failed with exit code 3: first / no such thing"):
        run(tool)


def test_a_killed_program_is_said_so(fake):
    with pytest.raises(ToolError, match="was killed by signal SIGSEGV"):
        run(fake(SAYS_VERSION + "kill -SEGV $$"))


def test_exit_0_is_not_believed(fake, tmp_path):
    tool = fake(SAYS_VERSION + "exit 0")
    with pytest.raises(ToolError, match="did not produce"):
        run(tool)
    with pytest.raises(ToolError, match="did not produce"):
        run(tool, produces=tmp_path / "promised")


def test_the_promised_file_is_the_result(fake, tmp_path):
    tool = fake(SAYS_VERSION + 'echo noise; printf result >"$1"')
    assert run(tool, str(tmp_path / "out"), produces=tmp_path / "out") == b"result"


def test_bad_utf8_on_stderr_is_no_obstacle(fake):
    with pytest.raises(ToolError, match="failed with exit code 1"):
        run(fake(SAYS_VERSION + r"printf '\377\376' >&2; exit 1"))


def test_a_hanging_program_is_killed_with_what_it_started(fake, tmp_path):
    tool = fake(SAYS_VERSION + f"sleep 60 & echo $! >{tmp_path}/child; wait")
    start = time.monotonic()
    with pytest.raises(ToolTimeoutError, match="did not end in 1 s"):
        run(tool, timeout_s=1)
    assert time.monotonic() - start < 15
    assert not is_alive(int((tmp_path / "child").read_text()))


def test_a_program_that_cannot_start_is_a_tool_error(tmp_path):
    script = tmp_path / "x"
    script.write_text("#!/no/such/shell\n")
    script.chmod(0o755)
    with pytest.raises(ToolError, match="cannot be started"):
        tools.run(Program("x", script, "1", "path"), [], timeout_s=5)


def test_absent_tool_says_how_to_get_it(fake):
    tool = Tool("no-such-tool", ("-v",), "(.*)", "apt-get install no-such-tool")
    assert tools.lookup(tool) is None
    with pytest.raises(
        MissingError, match=r"apt-get install no-such-tool.*NEUROCODEC_NO_SUCH_TOOL"
    ):
        tools.find(tool)


def test_order_is_variable_bin_path(fake, tmp_path, monkeypatch):
    tool = fake(SAYS_VERSION)
    assert tools.find(tool).source == "path"
    fake(SAYS_VERSION, tmp_path / "bin")
    assert tools.find(tool).source == "bin"
    fake(SAYS_VERSION, tmp_path / "else")
    monkeypatch.setenv("NEUROCODEC_FAKETOOL", str(tmp_path / "else" / "faketool"))
    assert tools.find(tool) == Program(
        "faketool", tmp_path / "else" / "faketool", "1.2.3", "variable"
    )


def test_bundled_comes_before_path_and_after_bin(fake, tmp_path):
    bundled = Program("faketool", tmp_path / "bundle" / "faketool", "7", "bundled")
    tool = replace(fake(SAYS_VERSION), bundled=lambda: bundled)
    assert tools.find(tool) == bundled
    fake(SAYS_VERSION, tmp_path / "bin")
    assert tools.find(tool).source == "bin"


def test_a_variable_that_does_not_work_is_an_error_not_a_fall_through(fake, monkeypatch):
    tool = fake(SAYS_VERSION)
    monkeypatch.setenv("NEUROCODEC_FAKETOOL", "/no/such/program")
    with pytest.raises(MissingError, match="NEUROCODEC_FAKETOOL=/no/such/program"):
        tools.find(tool)


def test_a_program_of_another_kind_or_our_own_is_passed_over(fake, tmp_path, monkeypatch):
    tool = fake('echo "something else 9"')
    assert tools.lookup(tool) is None
    fake('echo "faketool 1.0 (neurocodec drop-in)"', tmp_path / "first")
    second = fake(SAYS_VERSION, tmp_path / "second")
    monkeypatch.setenv("PATH", f"{tmp_path}/first:{tmp_path}/second:/usr/bin:/bin")
    tools._probe.cache_clear()
    assert tool == second
    assert tools.find(tool).path == tmp_path / "second" / "faketool"


def test_a_tool_dies_with_the_process_that_started_it(fake, tmp_path):
    fake(SAYS_VERSION + f"echo $$ >{tmp_path}/pid; exec sleep 60")
    code = (
        "from neurocodec import tools\n"
        "from neurocodec.tools import Tool\n"
        "tool = Tool('faketool', ('--version',), r'faketool (.*)', '')\n"
        "tools.run(tools.find(tool), [], timeout_s=60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    pid = int(wait_for_content(tmp_path / "pid"))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert not is_alive(pid)


def wait_for_content(path: Path) -> str:
    for _ in range(400):
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")


def is_alive(pid: int) -> bool:
    """Whether the process still runs some seconds from now; a zombie does not."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return False
        if state == "Z":
            return False
        time.sleep(0.05)
    return True


def test_a_program_that_floods_its_output_is_stopped(fake):
    flood = SAYS_VERSION + "while :; do printf '%1000000s'; done"
    with pytest.raises(ToolError, match=r"wrote more than \d+ bytes and was stopped"):
        run(fake(flood), timeout_s=60)


def test_a_program_that_floods_its_version_is_not_the_tool(fake):
    assert tools.lookup(fake("yes 1.2.3")) is None
