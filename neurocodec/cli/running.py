"""What the commands over many files do alike: make ready, report as results come, sum up."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import click

from neurocodec import images, registry
from neurocodec.batch.engines.local import Outcome
from neurocodec.batch.plan import Job
from neurocodec.batch.run import DecodeRecord, EncodeRecord, FilterRecord
from neurocodec.cli import console
from neurocodec.cli.selection import Selection
from neurocodec.codecs import CODECS
from neurocodec.errors import UsageError
from neurocodec.files import STANDARD, display
from neurocodec.pipeline import AUTO, Pipeline

Record = EncodeRecord | DecodeRecord | FilterRecord


def plan(
    chosen: Selection, ending: str, accepts: Callable[[Path], bool], also: Collection[str] = ()
) -> list[Job]:
    """What `chosen` comes to, refused where a result would destroy something or lie by its name.

    Args:
        chosen: the file options.
        ending: of the results' names.
        accepts: whether a file found in a folder is one to take.
        also: other endings that the results may have.

    Raises:
        UsageError: a name ends as those of another format; or a picture beside an input, which
            may be an original, would be replaced unasked. And what `Selection.plan` raises.
    """
    planned = chosen.plan(ending, accepts)
    for job in planned:
        _refuse_lie(Path(job.target), ending, also)
        is_there = job.target != STANDARD and Path(job.target).exists()
        if chosen.output is None and not chosen.overwrite and is_there:
            _refuse_loss(Path(job.target))
    return planned


def _refuse_loss(target: Path) -> None:
    if images.has_picture_name(target):
        raise UsageError(
            f"{display(target)} is there already, and may be an original: "
            "name the result with -o, or add --overwrite"
        )


def _refuse_lie(target: Path, ending: str, also: Collection[str]) -> None:
    suffix = target.suffix.lower()
    if suffix in {ending, *also}:
        return
    coded = {registry.load(CODECS, name, "codec").extension for name in CODECS}
    said = images.file_format(target)
    other = said not in {None, images.file_format(Path("x" + ending))}
    if other or suffix in coded:
        raise UsageError(f"{display(target)} would be no {suffix} file: let it end in {ending}")


def announce(ready: Pipeline) -> None:
    """Say what a user may not expect of the setting."""
    setting = ready.setting
    if ready.unfiltered:
        console.note(ready.unfiltered)
    elif setting.filter == AUTO and not ready.codec.lossless:
        console.note(_chosen(ready))
    if ready.saturated:
        console.note(
            f"{ready.codec.name} has no quality of BPG's rate at QP {setting.qp}: "
            f"the nearest one, {ready.level}, is used"
        )


def _chosen(ready: Pipeline) -> str:
    """What --pre auto comes to."""
    if ready.pre == "none":
        return f"no trained filter for {ready.codec.name} is installed: pictures are not filtered"
    return f"filtered for recognisers by {ready.pre}: --pre none leaves pictures as they are"


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
                failures.append((outcome.item.source, outcome.error))
            advance()
    for source, error in failures:
        said, name = str(error), display(source)
        console.error(said if name in said else f"{name}: {said}")
    if len(planned) > 1:
        console.note(f"{len(planned) - len(failures)} of {len(planned)} done")
    if failures:
        raise click.exceptions.Exit(failures[0][1].exit_code)


def _show(record: Record, as_json: bool) -> None:
    if record.output == STANDARD:
        console.note(_describe(record))
    else:
        console.result(record, as_json, _describe(record))


def _describe(record: Record) -> str:
    text = f"{display(record.output)}  {record.width}×{record.height}"
    if isinstance(record, FilterRecord):
        return text
    if isinstance(record, EncodeRecord) and record.width != record.coded_width:
        text += f" as {record.coded_width}×{record.coded_height}"
    return f"{text}  {record.size_bytes} bytes  {record.bpp:.3f} bpp"
