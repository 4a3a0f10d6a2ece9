"""A results file that a killed run leaves whole up to its last complete point, to go on from."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from neurocodec.errors import OutputError, UsageError
from neurocodec.evaluation import results
from neurocodec.evaluation.results import Key, PictureResult, Point, Result, key
from neurocodec.files import display


class Journal:
    """The results of one run, open for more; `done` are the points that are in it already.

    Each point is one write: its pictures' lines, then its own.
    """

    def __init__(self, file: BinaryIO, name: str, *, per_image: bool, done: set[Key]) -> None:
        self._file = file
        self._name = name
        self._per_image = per_image
        self.done = done

    def add(self, point: Point, pictures: Sequence[PictureResult]) -> None:
        """Put a point at the end, and its pictures before it if this run keeps them.

        Raises:
            OutputError: it cannot be written; the file still ends with the point before.
        """
        lines = results.dump_all(point, pictures if self._per_image else ())
        end = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write("".join(line + "\n" for line in lines).encode())
            self._file.flush()
        except OSError as exc:
            self._file.truncate(end)
            raise _cannot(self._name, exc) from exc


@contextmanager
def opened(path: Path, *, per_image: bool, fresh: bool = False) -> Iterator[Journal]:
    """The journal in the file at `path`, made where it is not there, for one run alone.

    What follows the last point's line is of a point that was never finished, and is cut off.

    Args:
        path: of the results file.
        per_image: whether a point's pictures are kept too.
        fresh: forget what is in the file.

    Raises:
        OutputError: it cannot be written.
        UsageError: another run is writing it, or it lacks the pictures that this run wants.
        BadInputError: it holds other things than results.
    """
    name = display(path)
    with _open(path, name) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{name}: another run is writing it: wait, or name another file"
            ) from None
        done, end = (set[Key](), 0) if fresh else _completed(file, name, per_image)
        file.truncate(end)
        yield Journal(file, name, per_image=per_image, done=done)


def _open(path: Path, name: str) -> BinaryIO:
    try:
        return path.open("a+b")
    except OSError as exc:
        raise _cannot(name, exc) from exc


def _completed(file: BinaryIO, name: str, per_image: bool) -> tuple[set[Key], int]:
    """The points that are complete, and where the last of them ends."""
    file.seek(0)
    content = file.read()
    lines = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
    done: set[Key] = set()
    pictured: set[Key] = set()
    offset = end = 0
    for line, result in zip(lines, _parsed(lines, name), strict=True):
        offset += len(line)
        if isinstance(result, Point):
            done.add(key(result))
            end = offset
        else:
            pictured.add(key(result))
    if per_image and done - pictured:
        raise UsageError(f"{name} was made without --per-image: name another file")
    return done, end


def _parsed(lines: Sequence[bytes], name: str) -> list[Result]:
    return list(results.load((line.decode(errors="replace") for line in lines), name))


def _cannot(name: str, exc: OSError) -> OutputError:
    return OutputError(f"{name}: cannot be written ({exc.strerror})")
