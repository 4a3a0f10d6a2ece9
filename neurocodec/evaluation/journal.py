"""A results file that a killed run leaves whole up to its last complete point, to go on from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from neurocodec import files, locks
from neurocodec.errors import OutputError, UsageError
from neurocodec.evaluation import results
from neurocodec.evaluation.results import Key, PictureResult, Point
from neurocodec.files import display


@dataclass
class Journal:
    """An open results file. Each point is one write: its pictures' lines, then its own.

    Attributes:
        file: open for appending.
        name: its name in messages.
        per_image: keep the lines of pictures.
        done: the points that are in it already.
        end: where the next point starts; the rest of the file is cut off when it is added.
    """

    file: BinaryIO
    name: str
    per_image: bool
    done: set[Key]
    end: int

    def add(self, point: Point, pictures: Sequence[PictureResult]) -> None:
        """Append a point, and its pictures before it if this run keeps them.

        Raises:
            OutputError: it cannot be written; the file still ends with the point before.
        """
        lines = [*(pictures if self.per_image else ()), point]
        data = "".join(results.dump(line) + "\n" for line in lines).encode()
        self.file.truncate(self.end)
        try:
            self.file.write(data)
            self.file.flush()
        except OSError as exc:
            self.file.truncate(self.end)
            raise OutputError(f"{self.name}: cannot be written ({exc.strerror})") from exc
        self.end += len(data)


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
    try:
        opened_file = path.open("a+b")
    except OSError as exc:
        raise OutputError(f"{name}: cannot be written ({exc.strerror})") from exc
    with opened_file as file:
        if locks.take(file) is False:
            raise UsageError(f"{name}: another run is writing it: wait, or name another file")
        if fresh:
            yield Journal(file, name, per_image, set(), 0)
        else:
            done, end = _completed(file, name, per_image)
            file.truncate(end)
            yield Journal(file, name, per_image, done, end)


def _completed(file: BinaryIO, name: str, per_image: bool) -> tuple[set[Key], int]:
    """The points that are complete, and where the last of them ends."""
    file.seek(0)
    content = file.read()
    lines = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
    ends = (at for line, at in zip(lines, accumulate(map(len, lines)), strict=True) if line.strip())
    parsed = results.load((line.decode(errors="replace") for line in lines), name)
    points: dict[Key, int] = {}
    pictured: set[Key] = set()
    for result, at in zip(parsed, ends, strict=True):
        if isinstance(result, Point):
            points[result.key] = at
        else:
            pictured.add(result.key)
    if per_image and points.keys() - pictured:
        raise UsageError(f"{name} was made without --per-image: name another file")
    return set(points), max(points.values(), default=0)
