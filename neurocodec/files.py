"""Bytes in and out of files: `-`, readable names, atomic replacement."""

import contextlib
import errno
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from neurocodec import locks, urls
from neurocodec.errors import BadInputError, DiskFullError, NeurocodecError, OutputError

STANDARD = "-"
MAX_BYTES = 2 << 30
"""Longer inputs are refused unless more is asked for."""

_PIECE_BYTES = 1 << 24
_STALE_S = 1.0  # between a file's making and its lock lie microseconds
_STALE_WITHOUT_LOCKS_S = 24 * 3600.0
_TEMPORARY = ".neurocodec-"
_RUN_VARIABLE = "NEUROCODEC_RUN"


def display(path: str | os.PathLike[str]) -> str:
    """Write a name as a message can carry it: on one line, whatever bytes are in it."""
    text = os.fspath(path)
    return text if text.isprintable() else ascii(text)


def read(path: str, max_bytes: int = MAX_BYTES) -> bytes:
    """Read the content of a file or a URL, or of standard input for "-".

    Args:
        path: its name, or "-".
        max_bytes: a longer one is refused, and read no further: it may be endless.

    Raises:
        BadInputError: it cannot be read, or is longer.
    """
    name = "standard input" if path == STANDARD else display(path)
    if urls.is_url(path):
        return urls.read(path, max_bytes)
    try:
        with nullcontext(sys.stdin.buffer) if path == STANDARD else Path(path).open("rb") as file:
            return _bounded(file, name, max_bytes)
    except OSError as exc:
        raise BadInputError(f"{name}: cannot be read ({exc.strerror})") from exc
    except MemoryError:
        raise BadInputError(f"{name}: too large to be read into memory") from None
    except ValueError as exc:  # no file has this name
        raise BadInputError(f"{name}: cannot be read ({exc})") from exc


def _bounded(file: BinaryIO, name: str, max_bytes: int) -> bytes:
    pieces, size = [], 0
    while piece := file.read(_PIECE_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > max_bytes:
            raise BadInputError(f"{name}: has more than {max_bytes} bytes: raise --max-bytes")
    return b"".join(pieces)


def parsed(text: str | bytes) -> Any:
    """The JSON of a file, which may hold anything.

    Raises:
        ValueError: it is none, or is nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def exists(path: str) -> bool:
    """True if there is something of that name; False for a name that no file can have."""
    if urls.is_url(path):
        return urls.exists(path)
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises where a name is too long


def is_within(name: str) -> bool:
    """True for a name that leads no higher than where it starts; links lead where they do."""
    plain = Path(os.path.normpath(name))
    return not plain.is_absolute() and plain.parts[:1] != ("..",)


def is_folder(path: str) -> bool:
    """True if it is a folder that may be looked into."""
    if urls.is_url(path):
        return urls.is_folder(path)
    return os.path.isdir(path)  # noqa: PTH112


def head(path: Path, size_bytes: int) -> bytes:
    """Read the first bytes of a file; none where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size_bytes)
    except OSError:
        return b""


def write(path: str, data: bytes) -> None:
    """Write a file in one step: until then an existing one stays as it is.

    A link keeps pointing where it does; a pipe or a device is written to; "-" is standard output.

    Raises:
        OutputError: it cannot be written. Nothing is left behind then.
    """
    if urls.is_url(path) and not urls.is_local(path):
        urls.write(path, data)
        return
    if urls.is_local(path):
        path = urls.plain(path)
        make_folder(Path(path).parent)
    target = Path(os.path.realpath(path))
    with _mapping(path):
        if path == STANDARD:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        elif exists(path) and not Path(path).is_file():
            Path(path).write_bytes(data)  # by its own name: a pipe of a process has no other
        else:
            _replace(target, data)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are not there yet.

    Raises:
        OutputError: it cannot be made.
    """
    with _mapping(path):
        path.mkdir(parents=True, exist_ok=True)


def remove_stale(folder: Path) -> None:
    """Remove files that a killed process was still writing in a folder."""
    for path in _temporaries(folder, _TEMPORARY):
        with contextlib.suppress(OSError), path.open("r+b") as file:
            locked = locks.take(file)
            least_s = _STALE_WITHOUT_LOCKS_S if locked is None else _STALE_S
            age_s = time.time() - os.fstat(file.fileno()).st_mtime
            if locked is not False and age_s >= least_s:
                path.unlink()


def remove_own(folder: Path) -> None:
    """Remove files that workers of this run, which have been stopped, were writing in a folder."""
    for path in _temporaries(folder, f"{_TEMPORARY}{_run()}-"):
        with contextlib.suppress(OSError):
            path.unlink()


def _temporaries(folder: Path, prefix: str) -> list[Path]:
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError:
        return []
    return [folder / name for name in names if name.startswith(prefix) and name.endswith(".tmp")]


def begin_run() -> None:
    """Let this process be a run of its own, whatever process started it."""
    os.environ.pop(_RUN_VARIABLE, None)


def _run() -> str:
    """What names this process and its workers, which inherit the environment."""
    return os.environ.setdefault(_RUN_VARIABLE, os.urandom(6).hex())


@contextlib.contextmanager
def naming(name: str) -> Iterator[None]:
    """Put `name` before what an error inside says."""
    try:
        yield
    except NeurocodecError as exc:
        raise type(exc)(f"{name}: {exc}") from exc


def _replace(target: Path, data: bytes) -> None:
    exists = target.exists()
    if exists and not os.access(target, os.W_OK):
        raise OutputError(f"{display(target)}: is write-protected")
    temporary = target.with_name(f"{_TEMPORARY}{_run()}-{os.urandom(6).hex()}.tmp")
    try:
        with temporary.open("xb") as file:
            locks.take(file)  # which tells `remove_stale` that somebody is at work
            file.write(data)
            if exists:
                shutil.copymode(target, temporary)
        # Closed before it is renamed: some file systems tell only then that they are full.
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _mapping(path: str | os.PathLike[str]) -> Iterator[None]:
    name = "standard output" if path == STANDARD else display(path)
    try:
        yield
    except OSError as exc:
        if path == STANDARD and isinstance(exc, BrokenPipeError):
            raise
        folder = Path(path).parent
        if isinstance(exc, FileNotFoundError) and not folder.exists():
            raise OutputError(f"{name}: there is no folder {display(folder)}: make it") from exc
        full = exc.errno in {errno.ENOSPC, errno.EDQUOT}
        error = DiskFullError if full else OutputError
        raise error(f"{name}: cannot be written ({exc.strerror})") from exc
