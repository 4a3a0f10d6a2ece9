"""A results file that a killed run leaves whole up to its last complete point, to go on from."""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from neurocodec import files
from neurocodec.errors import OutputError, UsageError
from neurocodec.evaluation import results
from neurocodec.evaluation.results import Key, PictureResult, Point, key
from neurocodec.files import display


class Journal:
    """An open results file. Each point is one write: its pictures' lines, then its own.

    Args:
        file: open for appending.
        name: its name in messages.
        end: where the next point starts; the rest of the file is cut off when it is added.
        done: the points that are in it already.
        per_image: keep the lines of pictures.
    """

    def __init__(
        self, file: BinaryIO, name: str, *, end: int, done: set[Key], per_image: bool
    ) -> None:
        self._file = file
        self._name = name
        self._end = end
        self._per_image = per_image
        self.done = done

    def add(self, point: Point, pictures: Sequence[PictureResult]) -> None:
        """Append a point, and its pictures before it if this run keeps them.

        Raises:
            OutputError: it cannot be written; the file still ends with the point before.
        """
        lines = results.dump_all(point, pictures if self._per_image else ())
        data = "".join(line + "\n" for line in lines).encode()
        self._file.truncate(self._end)
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as exc:
            self._file.truncate(self._end)
            raise _cannot(self._name, exc) from exc
        self._end += len(data)


@contextmanager
def opened(path: Path, *, per_image: bool, fresh: bool = False) -> Iterator[Journal]:
    """Open the journal at `path` for one run alone; create it and its folder if need be.

    Lines after the last point's belong to a point that was never finished, and are cut off.
    With `fresh` the old points stay in the file until the first new point replaces them.

    Args:
        path: the results file.
        per_image: keep a point's pictures too.
        fresh: forget the points that are in the file.

    Raises:
        OutputError: it cannot be written.
        UsageError: another run is writing it, or it lacks the pictures that this run wants.
        BadInputError: it holds other things than results.
    """
    name = display(path)
    files.make_folder(path.parent)
    with _open(path, name) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{name}: another run is writing it: wait, or name another file"
            ) from None
        done, end = (set[Key](), 0) if fresh else _completed(file, name, per_image)
        if not fresh:
            file.truncate(end)
        yield Journal(file, name, end=end, done=done, per_image=per_image)


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
    end = 0
    ends = (at for line, at in zip(lines, accumulate(map(len, lines)), strict=True) if line.strip())
    parsed = results.load((line.decode(errors="replace") for line in lines), name)
    for result, at in zip(parsed, ends, strict=True):
        if isinstance(result, Point):
            done.add(key(result))
            end = at
        else:
            pictured.add(key(result))
    if per_image and done - pictured:
        raise UsageError(f"{name} was made without --per-image: name another file")
    return done, end


def _cannot(name: str, exc: OSError) -> OutputError:
    return OutputError(f"{name}: cannot be written ({exc.strerror})")
