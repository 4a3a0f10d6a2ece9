"""Bytes in and out of files: `-`, readable names, atomic replacement."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from neurocodec.errors import BadInputError, NeurocodecError, OutputError

STANDARD = "-"


def display(path: str | os.PathLike[str]) -> str:
    """Write a name as a message can carry it: on one line, whatever bytes are in it."""
    text = os.fspath(path)
    return text if text.isprintable() else ascii(text)


def read(path: str) -> bytes:
    """Read the content of a file, or of standard input for "-".

    Raises:
        BadInputError: it cannot be read.
    """
    name = "standard input" if path == STANDARD else display(path)
    try:
        return sys.stdin.buffer.read() if path == STANDARD else Path(path).read_bytes()
    except OSError as exc:
        raise BadInputError(f"{name}: cannot be read ({exc.strerror})") from exc
    except MemoryError:
        raise BadInputError(f"{name}: too large to be read into memory") from None
    except ValueError as exc:  # no file has this name
        raise BadInputError(f"{name}: cannot be read ({exc})") from exc


def exists(path: str) -> bool:
    """True if there is something of that name; False for a name that no file can have."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises where a name is too long


def is_folder(path: str) -> bool:
    """True if it is a folder that may be looked into."""
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
    target = Path(os.path.realpath(path))
    with _mapping(path):
        if path == STANDARD:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        elif target.exists() and not target.is_file():
            target.write_bytes(data)
        else:
            _replace(target, data)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are not there yet.

    Raises:
        OutputError: it cannot be made.
    """
    with _mapping(path):
        path.mkdir(parents=True, exist_ok=True)


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
    temporary = target.with_name(f".neurocodec-{os.urandom(8).hex()}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
        if exists:
            shutil.copymode(target, temporary)
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
        raise OutputError(f"{name}: cannot be written ({exc.strerror})") from exc
