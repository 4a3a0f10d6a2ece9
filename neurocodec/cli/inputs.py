"""Naming many inputs: the options for it, and what is said of what they name."""

import os

import click

from neurocodec import files
from neurocodec.batch.plan import Inputs
from neurocodec.cli import console
from neurocodec.errors import UsageError
from neurocodec.files import display

recursive = click.option(
    "-r", "--recursive", is_flag=True, help="Look into folders in folders too."
)
files_from = click.option(
    "--files-from", metavar="FILE", help="Read inputs from a list; - is stdin."
)
null_separated = click.option(
    "-0", "null_separated", is_flag=True, help="The list is separated by NULs."
)


def note_ignored(inputs: Inputs, *, deeper: bool) -> None:
    """Say how many files of folders are passed over, and that none are left.

    Args:
        inputs: from `plan.find`.
        deeper: folders in folders were looked into.
    """
    if inputs.ignored:
        console.note(f"other files in folders: {inputs.ignored} ignored")
    if not inputs.sources:
        hint = "" if deeper else " (-r looks into folders in folders)"
        console.note(f"nothing to do: no files of the kind{hint}")


def listed(files_from: str | None, *, null_separated: bool) -> list[str]:
    """The names in the list of --files-from.

    Raises:
        UsageError: it has NULs that -0 does not announce.
    """
    if files_from is None:
        return []
    names = files.read(files_from)
    if null_separated:
        return [os.fsdecode(name) for name in names.split(b"\0") if name]
    if b"\0" in names:
        raise UsageError(f"the list in {display(files_from)} has NULs: add -0")
    return [os.fsdecode(name) for name in names.splitlines() if name]
