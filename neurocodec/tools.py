"""The only module that starts programs: find one, learn its version, run it.

A program is looked for in the variable NEUROCODEC_<NAME>, then in the project's bin/, then among
the bundled ones, which have all that is needed, and last on PATH. No shell, standard input from
/dev/null or from bytes, always a time limit, a limit of what it may write, and a child dies with
its parent.
"""

import contextlib
import ctypes
import logging
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from neurocodec.errors import MissingError, OutputError, ToolCrashError, ToolError, ToolTimeoutError

PROJECT_BIN = Path(__file__).resolve().parent.parent / "bin"
OWN_MARK = "neurocodec"
LOG = logging.getLogger("neurocodec")
PROBE_TIMEOUT_S = 20
_PROBE_BYTES = 1 << 20
_LEAST_BYTES, _BYTES_OF_A_PIXEL = 1 << 26, 16  # of output: twice what a 16-bit RGBA picture has
_LAST_BYTES = 1 << 16  # of standard error
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Program:
    """A tool that was found. `source` is "variable", "bin", "bundled" or "path"."""

    name: str
    path: Path
    version: str
    source: str


@dataclass(frozen=True)
class Tool:
    """An external program: its name, and how to recognise it.

    Attributes:
        name: name of the executable.
        probe: arguments that make it say its version.
        version_pattern: regular expression whose first group is the version in that answer.
        install: the line to type to get it.
        bundled: returns the copy that came with a dependency, or None. It is not started to
            learn its version: that would cost every command.
    """

    name: str
    probe: tuple[str, ...]
    version_pattern: str
    install: str
    bundled: Callable[[], Program | None] = lambda: None

    @property
    def variable(self) -> str:
        """The environment variable that names this tool's path."""
        return "NEUROCODEC_" + re.sub(r"\W", "_", self.name).upper()


def find(tool: Tool) -> Program:
    """The program of `tool`.

    Raises:
        MissingError: found nowhere, or the path in the tool's variable does not work.
    """
    program = lookup(tool)
    if program is None:
        raise MissingError(f"{tool.name} was not found: {tool.install}, or set {tool.variable}")
    return program


@lru_cache
def _probe(tool: Tool, path: Path) -> str | None:
    """Ask the program at `path` for its version; None if it is not this tool.

    A drop-in of our own is not: it would call itself.
    """
    try:
        done = _complete([str(path), *tool.probe], None, PROBE_TIMEOUT_S, _PROBE_BYTES)
    except (OSError, subprocess.TimeoutExpired):
        return None
    answer = (done.stdout + done.stderr).decode(errors="replace")
    version = re.search(tool.version_pattern, answer)
    return None if version is None or OWN_MARK in answer else version.group(1)


def lookup(tool: Tool) -> Program | None:
    """The program of `tool`, or None where it is found nowhere.

    Raises:
        MissingError: the path in the tool's variable does not work.
    """
    explicit = os.environ.get(tool.variable)
    if explicit:
        version = _probe(tool, Path(explicit))
        if version is None:
            raise MissingError(
                f"{tool.variable}={explicit} is not a working {tool.name}: correct or unset it"
            )
        return Program(tool.name, Path(explicit), version, "variable")
    return (
        _first_working(tool, "bin", [str(PROJECT_BIN)])
        or tool.bundled()
        or _first_working(tool, "path", os.get_exec_path())
    )


def _first_working(tool: Tool, source: str, folders: Sequence[str]) -> Program | None:
    for folder in folders:
        path = shutil.which(tool.name, path=folder)
        version = _probe(tool, Path(path)) if path else None
        if path and version:
            return Program(tool.name, Path(path), version, source)
    return None


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Make a temporary folder, removed at the end.

    Raises:
        OutputError: it cannot be made or written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="neurocodec-") as folder:
            yield Path(folder)
    except OSError as exc:
        raise OutputError(
            f"the temporary folder {tempfile.gettempdir()} cannot be written ({exc.strerror}): "
            "make room, or set TMPDIR"
        ) from exc


def time_limit_s(pixels: int) -> float:
    """The time limit for a program: ten minutes, and 200 s a megapixel of its picture."""
    return 600 + 200e-6 * pixels


def run(
    program: Program,
    arguments: Sequence[str | Path],
    *,
    timeout_s: float,
    pixels: int = 0,
    stdin: bytes | None = None,
    produces: Path | None = None,
) -> bytes:
    """Run a program; return its standard output, or the content of the file that it `produces`.

    Args:
        program: what `find` gave.
        arguments: the rest of the command line, passed as it is, without a shell.
        timeout_s: seconds until the program is killed.
        pixels: of its picture: it is killed where it writes far more than these can need.
        stdin: bytes for its standard input; /dev/null without.
        produces: the file that it must leave behind, non-empty.

    Raises:
        ToolError: it could not be started, exited non-zero, or left no result.
        ToolCrashError: a signal killed it.
        ToolTimeoutError: it did not end in time.
    """
    command = [str(program.path), *map(str, arguments)]
    most_bytes = _LEAST_BYTES + _BYTES_OF_A_PIXEL * pixels
    LOG.info("run: %s", shlex.join(command))
    try:
        done = _complete(command, stdin, timeout_s, most_bytes)
    except subprocess.TimeoutExpired:
        raise ToolTimeoutError(
            f"{program.name} did not end in {timeout_s:.0f} s and was killed"
        ) from None
    except OSError as exc:
        raise ToolError(f"{program.name} at {program.path} cannot be started: {exc}") from exc
    LOG.debug("%s printed: %s", program.name, done.stderr.decode(errors="replace").strip())
    words = f": {_last_lines(done.stderr)}"
    if done.returncode < 0:
        killer = signal.Signals(-done.returncode).name
        if done.returncode == -signal.SIGXFSZ:
            raise ToolError(f"{program.name} wrote more than {most_bytes} bytes and was stopped")
        raise ToolCrashError(f"{program.name} was killed by signal {killer}{words}")
    if done.returncode > 0:
        raise ToolError(f"{program.name} failed with exit code {done.returncode}{words}")
    result = done.stdout
    if produces is not None:
        result = produces.read_bytes() if produces.is_file() else b""
    if not result:
        raise ToolError(f"{program.name} exited successfully but did not produce a result{words}")
    return result


def _complete(
    command: Sequence[str], stdin: bytes | None, timeout_s: float, most_bytes: int
) -> "subprocess.CompletedProcess[bytes]":
    """Run to the end; whatever interrupts that kills the program and what it started.

    It writes to files, whose size the kernel limits.
    """
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=out,
            stderr=err,
            process_group=0,
            preexec_fn=partial(_set_up, most_bytes),
        ) as process,
    ):
        try:
            process.communicate(stdin, timeout_s)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        out.seek(0)
        err.seek(max(0, err.seek(0, os.SEEK_END) - _LAST_BYTES))
        return subprocess.CompletedProcess(command, process.returncode, out.read(), err.read())


def _set_up(most_bytes: int) -> None:
    """Limit this process, which is about to become a program, and what it starts."""
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, which programs would inherit


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends (Linux; elsewhere nothing)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _last_lines(stderr: bytes, lines: int = 3) -> str:
    text = [line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    return " / ".join(text[-lines:]) or "it printed nothing"
