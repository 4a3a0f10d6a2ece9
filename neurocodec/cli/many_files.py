"""The commands over many files: their options, their plan, and what they print."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neurocodec import files
from neurocodec.batch import plan as planning
from neurocodec.batch.engines.local import Outcome
from neurocodec.batch.plan import Inputs, Job
from neurocodec.batch.records import DecodeRecord, EncodeRecord, FilterRecord
from neurocodec.cli import console, options
from neurocodec.cli.inputs import files_from, listed, note_ignored, null_separated, recursive
from neurocodec.errors import NeurocodecError, UsageError
from neurocodec.files import STANDARD, display

if TYPE_CHECKING:
    from neurocodec.codecs import Level
    from neurocodec.pipeline import Pipeline

Record = EncodeRecord | DecodeRecord | FilterRecord


@dataclass(frozen=True)
class Selection:
    """The file options of a command, as typed."""

    inputs: tuple[str, ...]
    output: str | None
    recursive: bool
    files_from: str | None
    null_separated: bool
    skip_existing: bool
    keep_extension: bool
    overwrite: bool
    jobs: int
    as_json: bool

    def plan(
        self, ending: str, accepts: Callable[[Path], bool], also: Collection[str] = ()
    ) -> list[Job]:
        """Every file to work on and where its result goes; the folders for it are made.

        Args:
            ending: ending of the results' names, with the dot.
            accepts: True for a file in a folder that is one to take.
            also: other endings that the results may have.

        Raises:
            UsageError: nothing was named; results would collide, replace an input, replace a
                picture beside an input that may be an original, or end as another format does;
                or a result on standard output leaves no room for --json.
            OutputError: a folder cannot be made.
        """
        if self.output == STANDARD and self.as_json:
            raise UsageError("-o - and --json both want standard output: write to a file")
        inputs = self._find(accepts)
        planned = planning.plan(inputs, self.output, lambda place: self._renamed(place, ending))
        if self.skip_existing:
            planned = self._without_existing(planned)
        for job in planned:
            _refuse_other_ending(Path(job.target), ending, also)
            if self.output is None and not self.overwrite:
                _refuse_loss(job.target)
        if planning.means_folder(self.output, inputs):
            planning.make_folders(planned)
        return planned

    def processes(self, planned: Sequence[Job]) -> int:
        """Worker processes for that many jobs: none for a single one."""
        return 0 if len(planned) < 2 else min(self.jobs, len(planned))

    def _find(self, accepts: Callable[[Path], bool]) -> Inputs:
        inputs = planning.find(
            self.inputs,
            listed=self._listed(),
            accepts=accepts,
            recursive=self.recursive,
            output=self.output,
        )
        if not inputs.sources and not inputs.many and self.files_from is None:
            raise UsageError("INPUT is missing: name a file, a folder, - or --files-from LIST")
        note_ignored(inputs, deeper=self.recursive or self.files_from is not None)
        return inputs

    def _without_existing(self, planned: list[Job]) -> list[Job]:
        pending = list(planning.pending(planned))
        if len(pending) < len(planned):
            console.note(
                f"{len(planned) - len(pending)} of {len(planned)} outputs exist: skipped, "
                "whatever their settings were"
            )
        return pending

    def _renamed(self, place: Path, ending: str) -> Path:
        if self.keep_extension:
            return place.with_name(place.name + ending)
        return place.with_suffix(ending)

    def _listed(self) -> list[str]:
        return listed(self.files_from, null_separated=self.null_separated)


def selection(command: options.Command) -> options.Command:
    """Add INPUT and the file options; the command gets them as one `chosen`."""

    @click.argument("inputs", nargs=-1, metavar="INPUT...", type=click.Path())
    @options.output
    @recursive
    @files_from
    @null_separated
    @click.option("--skip-existing", is_flag=True, help="Skip inputs whose output exists.")
    @click.option("--keep-extension", is_flag=True, help="Name outputs a.png.bpg, not a.bpg.")
    @click.option(
        "--overwrite",
        is_flag=True,
        help="Replace pictures beside the inputs, which may be originals.",
    )
    @options.jobs
    @options.as_json
    @wraps(command)
    def wrapped(**values: Any) -> Any:
        chosen = Selection(**{field.name: values.pop(field.name) for field in fields(Selection)})
        return command(chosen=chosen, **values)

    return wrapped


def load_filter(pipeline: "Pipeline", level: "Level | None", planned: Sequence[Job]) -> None:
    """Load the filter if there is a picture for it, and say what a user may not expect.

    Args:
        pipeline: whose filter it is.
        level: of all pictures, if it is known.
        planned: the pictures.

    Raises:
        UsageError: the filter is not known, or its settings are out of range.
        MissingError: its weights are not there.
    """
    if not planning.any_present(planned):
        return
    _ = pipeline.loaded_filter
    spec = pipeline.loaded_filter.spec
    reason = pipeline.identity(level) if level is not None else ""
    if reason:
        console.note(reason)
    elif pipeline.setting.filter == "auto" and not pipeline.codec.lossless:
        console.note(_automatic(pipeline.codec.name, spec))
    if level is not None and pipeline.saturated(level):
        console.note(
            f"{pipeline.codec.name} does not reach BPG's rate at {level}: "
            f"its nearest, {pipeline.own_level(level)}, is used"
        )


def _automatic(codec_name: str, spec: str) -> str:
    """The meaning of --filter auto."""
    if spec == "none":
        return f"no trained filter for {codec_name} is installed: pictures are not filtered"
    return f"filtered for recognisers by {spec}: --filter none leaves pictures as they are"


def _refuse_loss(target: str) -> None:
    from neurocodec import images

    if target == STANDARD or not files.exists(target) or not images.has_picture_name(Path(target)):
        return
    raise UsageError(
        f"{display(target)} exists, and may be an original: "
        "name the output with -o, or add --overwrite"
    )


def _refuse_other_ending(target: Path, ending: str, also: Collection[str]) -> None:
    from neurocodec import images, registry
    from neurocodec.codecs import CODECS

    suffix = target.suffix.lower()
    if suffix in {ending, *also}:
        return
    coded = {registry.load(CODECS, name, "codec").extension for name in CODECS}
    named = images.file_format(target)
    other = named not in {None, images.file_format(Path("x" + ending))}
    if other or suffix in coded:
        better = display(target.with_suffix(Path("x" + ending).suffix))
        raise UsageError(f"the output is a {ending} file, not a {suffix} file: name it {better}")


def report(
    outcomes: Iterator[Outcome[Job, Record]], planned: Sequence[Job], chosen: Selection, what: str
) -> None:
    """Print every result as it comes, then the failures.

    Raises:
        click.exceptions.Exit: with the exit code of the first failure, if there was one.
    """
    failures: list[tuple[str, NeurocodecError]] = []
    done = 0
    try:
        with console.progress(len(planned), what) as advance:
            for outcome in outcomes:
                if outcome.result is not None:
                    _show(outcome.result, chosen.as_json)
                    done += 1
                if outcome.error is not None:
                    failures.append((outcome.item.source, outcome.error))
                advance()
    except KeyboardInterrupt:
        console.note(f"{done} of {len(planned)} done: --skip-existing goes on from there")
        raise
    for source, error in failures:
        message, name = str(error), display(source)
        console.error(message if name in message else f"{name}: {message}")
    if len(planned) > 1:
        console.note(f"{done} of {len(planned)} done")
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
