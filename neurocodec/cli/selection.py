"""Which files a command works on: the options for it, and what they come to."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

from neurocodec import files
from neurocodec.batch import plan as jobs
from neurocodec.batch.plan import Job
from neurocodec.cli import console, options
from neurocodec.errors import UsageError


@dataclass(frozen=True)
class Selection:
    """What the file options of a command said."""

    inputs: tuple[str, ...]
    output: str | None
    recursive: bool
    files_from: str | None
    null_separated: bool
    skip_existing: bool
    keep_extension: bool
    overwrite: bool
    processes: int
    as_json: bool

    def plan(self, ending: str, accepts: Callable[[Path], bool]) -> list[Job]:
        """Every file to work on and where its result goes; the folders for it are made.

        Args:
            ending: of the results' names, with the dot.
            accepts: whether a file found in a folder is one to take.

        Raises:
            UsageError: nothing was named, results would collide or replace an input, or a
                result on standard output leaves no room for --json.
            OutputError: a folder cannot be made.
        """
        if self.output == files.STANDARD and self.as_json:
            raise UsageError("-o - and --json both want standard output: write to a file")
        found = jobs.find(
            self.inputs,
            listed=self._listed(),
            accepts=accepts,
            recursive=self.recursive,
            output=self.output,
        )
        if not found.sources and not found.many and self.files_from is None:
            raise UsageError("no input: name a file, a folder, - or --files-from LIST")
        if found.ignored:
            console.note(f"{found.ignored} files in folders are not of the kind, ignored")
        if not found.sources:
            console.note("no files to work on" + ("" if self.recursive else " (-r looks deeper)"))
        planned = jobs.plan(found, self.output, lambda place: self._renamed(place, ending))
        if self.skip_existing:
            planned = list(jobs.pending(planned))
        if jobs.means_folder(self.output, found):
            jobs.make_folders(planned)
        return planned

    def processes_for(self, planned: Sequence[Job]) -> int:
        """How many processes serve that many jobs."""
        return max(1, min(self.processes, len(planned)))

    def _renamed(self, place: Path, ending: str) -> Path:
        return (
            place.with_name(place.name + ending)
            if self.keep_extension
            else place.with_suffix(ending)
        )

    def _listed(self) -> list[str]:
        if self.files_from is None:
            return []
        names = files.read(self.files_from)
        if self.null_separated:
            return [os.fsdecode(name) for name in names.split(b"\0") if name]
        if b"\0" in names:
            raise UsageError(f"the list in {files.display(self.files_from)} has NULs: add -0")
        return [os.fsdecode(name) for name in names.splitlines() if name]


def selection(command: options.Command) -> options.Command:
    """Add INPUT and the file options; the command gets them as one `chosen`."""

    @click.argument("inputs", nargs=-1, metavar="INPUT...", type=click.Path())
    @options.output
    @click.option("-r", "--recursive", is_flag=True, help="Also folders in folders.")
    @click.option("--files-from", metavar="FILE", help="Read inputs from a list; - is stdin.")
    @click.option("-0", "null_separated", is_flag=True, help="The list is separated by NUL.")
    @click.option("--skip-existing", is_flag=True, help="Leave out what has a result already.")
    @click.option("--keep-extension", is_flag=True, help="Name results a.png.bpg, not a.bpg.")
    @click.option(
        "--overwrite", is_flag=True, help="Replace pictures beside the inputs: see README."
    )
    @options.jobs
    @options.as_json
    @wraps(command)
    def wrapped(**given: Any) -> Any:
        chosen = Selection(**{field.name: given.pop(field.name) for field in fields(Selection)})
        return command(chosen=chosen, **given)

    return wrapped
