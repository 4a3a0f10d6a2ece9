"""Results on standard output; notes, errors and progress on standard error."""

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from neurocodec import logs
from neurocodec.logs import LOG

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def set_up(verbosity: int) -> None:
    """Choose how much to say: -1 errors only, 0 notes, 1 programs that run, 2 their output too."""
    level = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    logs.to_stderr(level)


def note(text: str) -> None:
    """Say something worth knowing on standard error, unless -q asked for silence."""
    if LOG.isEnabledFor(logging.WARNING):
        click.echo(f"neurocodec: {text}", err=True)


def error(text: str) -> None:
    """Say on standard error why there is no result."""
    click.echo(f"neurocodec: error: {text}", err=True)


def bug(exc: Exception) -> None:
    """Say that the program itself is wrong; the traceback shows with -v."""
    if LOG.isEnabledFor(logging.INFO):
        traceback.print_exception(exc)
    error(f"a bug in neurocodec: {type(exc).__name__}: {exc} (-v shows where)")


def result(record: "DataclassInstance", as_json: bool, text: str) -> None:
    """Print one result at once: as an object on a line of its own, or as text."""
    click.echo(json.dumps(asdict(record)) if as_json else text)


def open_missing_streams() -> None:
    """Give a process that was started without standard streams empty ones."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115


def abandon_stdout() -> None:
    """Let go of a standard output that nobody reads, so that closing it says nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[..., Any]]:
    """A bar on standard error, moved by each call; nothing where that is no terminal.

    The calls may tell how many bytes were read so far.
    """
    if total < 2 or not sys.stderr.isatty() or not LOG.isEnabledFor(logging.WARNING):
        yield lambda input_bytes=0: None
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        *bars.Progress.get_default_columns()[:2],
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[speed]}"),
        bars.TimeRemainingColumn(),
    )
    start = time.monotonic()
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, speed="")

        def advance(input_bytes: int = 0) -> None:
            seconds = max(time.monotonic() - start, 1e-9)
            rate = (bar.tasks[0].completed + 1) / seconds
            flow = f" {input_bytes / seconds / 1e6:.1f} MB/s" if input_bytes else ""
            bar.update(task, advance=1, speed=f"{rate:.1f}/s{flow}")

        yield advance
