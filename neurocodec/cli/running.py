"""What the commands over many files do alike: make ready, report as results come, sum up."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from neurocodec.batch import DecodeRecord, EncodeRecord, FilterRecord
from neurocodec.cli import console
from neurocodec.cli.selection import Selection
from neurocodec.errors import UsageError
from neurocodec.files import STANDARD, display
from neurocodec.jobs import Job
from neurocodec.pipeline import AUTO, Pipeline, Setting
from neurocodec.workers import Outcome

Record = EncodeRecord | DecodeRecord | FilterRecord


def make_ready(setting: Setting) -> Pipeline:
    """The pipeline of the setting, any fault in it found before the first file is touched."""
    ready = Pipeline(setting)
    if setting.pretransform == AUTO and ready.pre == "none":
        console.note(
            f"no trained filter for {ready.codec.name} is installed: pictures are not filtered"
        )
    if ready.saturated:
        console.note(
            f"{ready.codec.name} has no quality of BPG's rate at QP {setting.qp}: "
            f"the nearest one, {ready.level}, is used"
        )
    return ready


def refuse_loss(planned: Sequence[Job], output: str | None) -> None:
    """Refuse to replace, unasked, a picture beside an input: it may be the original.

    Raises:
        UsageError: there is one, and -o did not name it.
    """
    for job in planned:
        if output is None and job.target != STANDARD and Path(job.target).exists():
            raise UsageError(
                f"{display(job.target)} is there already: name another with -o, or add --overwrite"
            )


def report(
    outcomes: Iterator[Outcome[Job, Record]], planned: Sequence[Job], chosen: Selection, what: str
) -> None:
    """Print every result as it comes, then the failures.

    Raises:
        click.exceptions.Exit: with the exit code of the first failure, if there was one.
    """
    failures = []
    with console.progress(len(planned), what) as advance:
        for outcome in outcomes:
            if outcome.result is not None:
                _show(outcome.result, chosen.as_json)
            if outcome.error is not None:
                failures.append(outcome.error)
            advance()
    for failure in failures:
        console.error(str(failure))
    if len(planned) > 1:
        console.note(f"{len(planned) - len(failures)} of {len(planned)} done")
    if failures:
        raise click.exceptions.Exit(failures[0].exit_code)


def _show(record: Record, as_json: bool) -> None:
    if record.output == STANDARD:
        console.note(_describe(record))
    else:
        console.result(record, as_json, _describe(record))


def _describe(record: Record) -> str:
    text = f"{display(record.output)}  {record.width}×{record.height}"
    if isinstance(record, FilterRecord):
        return text
    return f"{text}  {record.size_bytes} bytes  {record.bpp:.3f} bpp"
