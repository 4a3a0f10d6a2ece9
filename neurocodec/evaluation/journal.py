"""A results file that a killed run leaves whole up to its last complete point, to go on from."""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from neurocodec.errors import OutputError, UsageError
from neurocodec.evaluation import results
from neurocodec.evaluation.results import Key, PictureResult, Point, key
from neurocodec.files import display


class Journal:
    """The file of one run's results, open for more; use it in a `with`.

    Each point is one write: its pictures' lines, then its own. What follows the last point's
    line is of a point that was never finished, and is cut off when the file is opened.
    """

    def __init__(self, path: Path, *, per_image: bool, fresh: bool = False) -> None:
        """Open, or make, the file at `path`.

        Raises:
            OutputError: it cannot be written.
            UsageError: another run is writing it, or it lacks the pictures that this run wants.
            BadInputError: it holds other things than results.
        """
        self._path = path
        self._per_image = per_image
        self._file = self._open()
        self._lock()
        self.done = set() if fresh else self._completed()
        self._file.truncate(0 if fresh else self._end)

    _end = 0

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, point: Point, pictures: Sequence[PictureResult]) -> None:
        """Put a point at the end, and its pictures before it if this run keeps them.

        Raises:
            OutputError: it cannot be written; the file still ends with the point before.
        """
        lines = results.dump_all(point, pictures if self._per_image else ())
        text = "".join(line + "\n" for line in lines)
        end = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(text.encode())
            self._file.flush()
        except OSError as exc:
            self._file.truncate(end)
            raise self._cannot(exc) from exc

    def _open(self) -> BinaryIO:
        try:
            return self._path.open("a+b", buffering=0)
        except OSError as exc:
            raise self._cannot(exc) from exc

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{display(self._path)}: another run is writing it: wait, or name another file"
            ) from None

    def _completed(self) -> set[Key]:
        self._file.seek(0)
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
        done: set[Key] = set()
        pictured: set[Key] = set()
        offset = 0
        for line, result in zip(whole, self._parsed(whole), strict=True):
            offset += len(line)
            if isinstance(result, Point):
                done.add(key(result))
                self._end = offset
            else:
                pictured.add(key(result))
        if self._per_image and done - pictured:
            raise UsageError(
                f"{display(self._path)} was made without --per-image: name another file"
            )
        return done

    def _parsed(self, lines: Sequence[bytes]) -> list[Point | PictureResult]:
        texts = (line.decode(errors="replace") for line in lines)
        return list(results.load(texts, display(self._path)))

    def _cannot(self, exc: OSError) -> OutputError:
        return OutputError(f"{display(self._path)}: cannot be written ({exc.strerror})")
