"""The plan of a batch: which files to read, and where the result of each goes."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import filterfalse
from pathlib import Path

from neurocodec import files, urls
from neurocodec.errors import BadInputError, UsageError
from neurocodec.files import STANDARD, display


@dataclass(frozen=True)
class Source:
    """One input, and its place below the folder that results go to."""

    path: str
    place: Path


@dataclass
class Inputs:
    """The files that a command line names.

    Attributes:
        sources: the files to work on, in order.
        ignored: how many files of folders were passed over.
        unread: folders that cannot be looked into, each with the reason.
        many: there may be more than one result, however many files there are today.
    """

    sources: list[Source] = field(default_factory=list)
    ignored: int = 0
    many: bool = False
    unread: list[tuple[str, BadInputError]] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """One input file and the file that its result goes to; "-" is a standard stream."""

    source: str
    target: str


def find(
    names: Iterable[str],
    *,
    listed: Iterable[str] = (),
    accepts: Callable[[Path], bool],
    accepts_name: Callable[[Path], bool] | None = None,
    recursive: bool = False,
    output: str | None = None,
) -> Inputs:
    """Every file that the command line names.

    Args:
        names: files, folders or "-".
        listed: names from a list: they keep their folders below the output,
            and folders among them are passed over, as `find` prints them too.
        accepts: True for a file in a folder that is one to take; a named file is always taken.
        accepts_name: the same by its name alone, for files behind URLs.
        recursive: look into folders in folders; links and hidden ones are not followed.
        output: the value of -o; if it is a folder inside an input folder it is passed over.

    Raises:
        UsageError: a name is empty.
        BadInputError: a folder that was named cannot be read; one below costs itself only.
    """
    inputs = Inputs()
    if output == "":
        raise UsageError("the name after -o is empty")
    for name in names:
        if not name:
            raise UsageError("an INPUT is an empty name: is a variable unset?")
        if urls.is_url(name) and files.is_folder(name):
            _list(name, inputs, accepts_name or accepts, (recursive, output))
        elif name != STANDARD and files.is_folder(name):
            _walk(Path(name), inputs, accepts, recursive, output)
        else:
            inputs.sources.append(Source(name, Path(Path(name).name)))
    for name in listed:
        inputs.many = True
        if not urls.is_url(name) and files.is_folder(name):
            inputs.ignored += 1
        else:
            inputs.sources.append(Source(name, _relative_place(Path(name))))
    inputs.many = inputs.many or len(inputs.sources) > 1
    return inputs


def plan(inputs: Inputs, output: str | None, target_name: Callable[[Path], Path]) -> list[Job]:
    """The job of every file, settled before any work.

    Args:
        inputs: from `find`.
        output: the value of -o: a file, a folder, "-", or None for a place beside the input.
        target_name: function from an input's place to its result's, in the same folder.

    Raises:
        UsageError: a result would replace an input, or two would share a file.
    """
    in_folder = means_folder(output, inputs)
    jobs = [Job(s.path, _target(s, output, target_name, in_folder)) for s in inputs.sources]
    _refuse_collisions(jobs)
    return jobs


def _walk(
    root: Path,
    inputs: Inputs,
    accepts: Callable[[Path], bool],
    recursive: bool,
    output: str | None,
) -> None:
    inputs.many = True
    passed_over = os.path.realpath(output) if output not in (None, STANDARD) else None

    def refuse(error: OSError) -> None:
        refused = BadInputError(f"{display(error.filename)}: cannot be read ({error.strerror})")
        if os.path.realpath(error.filename) == os.path.realpath(root):
            raise refused
        inputs.unread.append((str(error.filename), refused))

    for folder, subfolders, names in os.walk(root, onerror=refuse):
        deeper = sorted(filterfalse(_is_hidden, subfolders)) if recursive else []
        subfolders[:] = [n for n in deeper if os.path.realpath(Path(folder, n)) != passed_over]
        for path in (Path(folder, name) for name in sorted(names)):
            # A pipe or a device may have no end.
            if not _is_hidden(path.name) and path.is_file() and accepts(path):
                inputs.sources.append(Source(str(path), path.relative_to(root)))
            else:
                inputs.ignored += 1


def _list(
    url: str,
    inputs: Inputs,
    accepts: Callable[[Path], bool],
    where: tuple[bool, str | None],
) -> None:
    """Take the files below a URL, without looking into them, but for those below the output."""
    inputs.many = True
    recursive, output = where
    passed_over = None if output is None else output.rstrip("/") + "/"
    for path, place in urls.files_below(url, recursive=recursive):
        if passed_over is not None and path.startswith(passed_over):
            continue
        hidden = any(map(_is_hidden, Path(place).parts))
        if not hidden and accepts(Path(place)):
            inputs.sources.append(Source(path, Path(place)))
        else:
            inputs.ignored += 1


def _is_hidden(name: str) -> bool:
    """True for hidden entries and for the sidecars that macOS leaves in archives."""
    return name.startswith(".") or name == "__MACOSX"


def _relative_place(path: Path) -> Path:
    if urls.is_url(str(path).replace(":/", "://", 1)):
        return Path(*path.parts[1:])
    return Path(path.name) if path.is_absolute() or ".." in path.parts else path


def _target(
    source: Source, output: str | None, target_name: Callable[[Path], Path], in_folder: bool
) -> str:
    if output is None:
        if source.path == STANDARD:
            return STANDARD
        if urls.is_url(source.path):
            folder = source.path.rpartition("/")[0]
            return f"{folder}/{target_name(source.place).name}"
        return str(target_name(Path(source.path)))
    if not in_folder:
        return output
    if source.path == STANDARD:
        raise UsageError("standard input has no name to use in a folder: give -o FILE or -o -")
    if urls.is_url(output):
        return f"{output.rstrip('/')}/{target_name(source.place).as_posix()}"
    return str(Path(output) / target_name(source.place))


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    sources = {_real(job.source) for job in jobs if job.source != STANDARD}
    taken: dict[str, str] = {}
    for job in jobs:
        if job.target == STANDARD:
            continue
        real = _real(job.target)
        if real in sources:
            raise UsageError(
                f"{display(job.target)} is an input and would be replaced: "
                "write to a folder with -o, or add --keep-extension"
            )
        if real in taken:
            raise UsageError(
                f"{display(taken[real])} and {display(job.source)} would both become "
                f"{display(job.target)}: add --keep-extension, or write them apart with -o"
            )
        taken[real] = job.source


def _real(name: str) -> str:
    return name if urls.is_url(name) else os.path.realpath(name)


def means_folder(output: str | None, inputs: Inputs) -> bool:
    """True if -o names a folder: by its look, or because there may be many results.

    Raises:
        UsageError: there may be many results, and it names a file or standard output.
    """
    if output is None:
        return False
    if output == STANDARD:
        if len(inputs.sources) > 1:
            raise UsageError(f"-o - takes one result, not {len(inputs.sources)}: give -o FOLDER")
        return False
    if inputs.many and files.exists(output) and not files.is_folder(output):
        raise UsageError(f"-o {display(output)} is a file: many results need a folder")
    # A name without an ending that is not there yet: one of many calls, each with one input, would
    # else replace the result of the one before.
    is_new_folder = not Path(output).suffix and not files.exists(output)
    return inputs.many or output.endswith(os.sep) or files.is_folder(output) or is_new_folder


def shard(sources: Iterable[Source], number: int, count: int) -> list[Source]:
    """Part `number`, from 1, of `count`: disjoint and together all.

    The places of inputs below the folders that were named decide, wherever these are.
    """

    def part(source: Source) -> int:
        name = os.fsencode(source.place.as_posix())
        return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") % count

    return [source for source in sources if part(source) == number - 1]


def make_folders(jobs: Iterable[Job]) -> None:
    """Make the folders that the jobs' results go to, and clear them of what a killed run left.

    Raises:
        OutputError: one cannot be made.
    """
    for folder in _folders(jobs):
        files.make_folder(folder)
        files.remove_stale(folder)


def clear(jobs: Iterable[Job]) -> None:
    """Clear the jobs' folders of what workers that were stopped in the middle left."""
    for folder in _folders(jobs):
        files.remove_own(folder)


def _folders(jobs: Iterable[Job]) -> set[Path]:
    """The folders of this machine that results go to."""
    targets = (job.target for job in jobs if job.target != STANDARD)
    return {Path(target).parent for target in targets if not urls.is_url(target)}


def any_present(jobs: Iterable[Job]) -> bool:
    """True if there is a source to read, so that loading a filter for it is worth the seconds."""
    return any(job.source == STANDARD or files.exists(job.source) for job in jobs)


def pending(jobs: Iterable[Job]) -> Iterator[Job]:
    """The jobs whose output does not exist yet."""
    return (job for job in jobs if job.target == STANDARD or not files.exists(job.target))
