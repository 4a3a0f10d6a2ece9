"""What the commands over many files say: every result as it comes, the failures, the totals."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import click

from neurocodec.batch import records
from neurocodec.batch.engines.local import Outcome
from neurocodec.batch.plan import Job
from neurocodec.batch.records import DecodeRecord, EncodeRecord, FilterRecord, Record
from neurocodec.cli import console
from neurocodec.errors import NeurocodecError
from neurocodec.files import STANDARD, display

_SECOND_PAST = 1.0  # a shorter batch has no speed worth telling


@dataclass(eq=False)
class Outcomes:
    """The outcomes so far.

    Attributes:
        as_json: print objects.
        skipped: pictures that were done before.
        done: pictures that are done.
        stopped: pictures that were not begun, as the batch was stopped.
        seen: pictures whose outcome is known.
        input_bytes: of the pictures that are done.
        output_bytes: likewise.
        codes: outputs are coded pictures, which are meant to be smaller.
        larger: outputs that are larger than their inputs.
        kept: outputs that are their inputs.
    """

    as_json: bool
    skipped: int = 0
    done: int = 0
    stopped: int = 0
    seen: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    codes: bool = False
    larger: int = 0
    kept: int = 0
    failures: list[tuple[str, NeurocodecError]] = field(default_factory=list)
    _start: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        skipped, self.skipped = self.skipped, 0
        self.skip(skipped, "whatever their settings were")

    def skip(self, count: int, why: str) -> None:
        """Pass over pictures that were done before."""
        self.skipped += count
        if count:
            console.note(f"{count} outputs exist: skipped, {why}")

    def add(self, outcome: Outcome[Job, Record], *, begun: bool = True) -> None:
        """Take an outcome in, and print its result; a folder that cannot be read is no picture."""
        self.seen += begun
        record = outcome.result
        if record is None:
            assert outcome.error is not None
            self.failures.append((outcome.item.source, outcome.error))
            if self.as_json:
                click.echo(json.dumps(records.as_object(outcome)))
            return
        _show(record, self.as_json)
        read, written = records.sizes(record)
        self.done += 1
        self.codes = isinstance(record, EncodeRecord)
        self.input_bytes += read
        self.output_bytes += written
        self.larger += self.codes and written > read > 0
        self.kept += isinstance(record, EncodeRecord) and record.kept

    def end(self, *, batch: bool) -> None:
        """Print the failures, and the totals of a batch.

        Raises:
            click.exceptions.Exit: with the exit code of the first failure, if there was one.
        """
        for source, error in self.failures:
            message, name = str(error), display(source)
            console.error(message if name in message else f"{name}: {message}")
        if batch:
            console.note(self._totals())
        if self.larger:
            files = (
                "a file is larger than its input"
                if self.larger == 1
                else (f"{self.larger} files are larger than their inputs")
            )
            console.note(files)
        if self.failures:
            raise click.exceptions.Exit(self.failures[0][1].exit_code)

    def _totals(self) -> str:
        total = self.seen + self.stopped
        parts = [f"{self.done} of {total} done"]
        for count, what in (
            (self.skipped, "skipped"),
            (len(self.failures), "failed"),
            (self.stopped, "not begun"),
            (self.kept, "kept as they were"),
        ):
            if count:
                parts.append(f"{count} {what}")
        text = ", ".join(parts)
        if self.input_bytes:
            text += f"; {_size(self.input_bytes)} in, {_size(self.output_bytes)} out"
            saved = 100 * (1 - self.output_bytes / self.input_bytes)
            if self.codes:
                text += f" ({saved:.1f} % saved)".replace("-", "−")
        seconds = time.monotonic() - self._start
        if self.done and seconds > _SECOND_PAST:
            text += f"; {self.done / seconds:.1f} pictures/s, {_size(self.input_bytes / seconds)}/s"
        return text


def show_plan(jobs: Sequence[Job], as_json: bool) -> None:
    """Print inputs and outputs."""
    for job in jobs:
        plain = f"{display(job.source)} -> {display(job.target)}"
        named = {"input": job.source, "output": job.target}
        click.echo(json.dumps(named) if as_json else plain)
    console.note(f"{len(jobs)} to do: nothing was written")


def _size(count: float) -> str:
    for unit, worth in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= worth:
            return f"{count / worth:.1f} {unit}"
    return f"{count:.0f} bytes"


def _show(record: Record, as_json: bool) -> None:
    if record.output == STANDARD:
        console.note(_describe(record))
    else:
        console.result(record, as_json, _describe(record))


def _describe(record: Record) -> str:
    text = f"{display(record.output)}  {record.width}×{record.height}"
    if isinstance(record, FilterRecord):
        return text + _searched(record)
    if isinstance(record, DecodeRecord):
        return f"{text}  {record.output_bytes} bytes"
    if (record.width, record.height) != (record.coded_width, record.coded_height):
        text += f" as {record.coded_width}×{record.coded_height}"
    text += f"  {record.size_bytes} bytes  {record.bpp:.3f} bpp"
    return text + _searched(record) + _targeted(record)


def _searched(record: EncodeRecord | FilterRecord) -> str:
    """The rate without the filter that was searched, and the seconds."""
    if record.search is None:
        return ""
    bpp, seconds = record.search["before"]["bpp"], record.search["seconds"]
    return f"  (unfiltered {bpp:.3f} bpp; {seconds:.0f} s of search)"


def _targeted(record: EncodeRecord) -> str:
    """The level that a target chose, the score there, and how many encodings it took."""
    if record.target is None:
        return ""
    from neurocodec.batch.targets import spell

    target, ((unit, value),) = record.target, record.level.items()
    parts = [f"{unit} {value}", f"{target.encodings} encoding{'s' * (target.encodings != 1)}"]
    if target.quantity in {"agreement", "kl"}:
        parts.insert(1, spell(target.quantity, target.reached))
    return f"  ({', '.join(parts)})"
