"""Naming files on the command line: the options for it, and the plan that they make."""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neurocodec import files
from neurocodec.batch import manifest as manifests
from neurocodec.batch import plan as planning
from neurocodec.batch.plan import Inputs, Job
from neurocodec.cli import options
from neurocodec.cli.batching import batch_options
from neurocodec.cli.inputs import files_from, listed, note_ignored, null_separated, recursive
from neurocodec.errors import BadInputError, UsageError
from neurocodec.files import STANDARD, display

if TYPE_CHECKING:
    from neurocodec.batch.engines.engine import Workers
    from neurocodec.batch.handling import Handling


@dataclass(frozen=True)
class Planned:
    """The work that a command line means.

    Attributes:
        jobs: to do, in order.
        skipped: how many outputs exist and are left as they are.
        unread: folders that cannot be looked into, each with the reason.
    """

    jobs: list[Job]
    skipped: int = 0
    unread: tuple[tuple[str, BadInputError], ...] = ()


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
    name: str | None
    overwrite: bool
    jobs: int
    as_json: bool
    manifest: Path | None
    resume: bool
    shard: tuple[int, int] | None
    dry_run: bool
    fail_fast: bool
    timeout: float | None
    preserve_times: bool
    max_pixels: int
    max_bytes: int
    engine: str
    address: str | None

    def plan(
        self,
        ending: str,
        accepts: Callable[[Path], bool],
        also: Collection[str] = (),
        fields: Mapping[str, Any] | None = None,
        accepts_name: Callable[[Path], bool] | None = None,
    ) -> "Planned":
        """Every file to work on and where its result goes; the folders for it are made.

        Args:
            ending: ending of the results' names, with the dot.
            accepts: True for a file in a folder that is one to take.
            also: other endings that the results may have.
            fields: what --name may have beside {stem}, {name} and {suffix}.
            accepts_name: as `accepts`, by the name alone, for files behind URLs.

        Raises:
            UsageError: nothing was named; results would collide, replace an input, replace a
                picture beside an input that may be an original, or end as another format does;
                or a result on standard output leaves no room for --json.
            OutputError: a folder cannot be made.
        """
        if self.output == STANDARD and self.as_json:
            raise UsageError("-o - and --json both want standard output: write to a file")
        self._refuse_contradictions()
        inputs = self._find(accepts, accepts_name)
        into_folder = planning.means_folder(self.output, inputs)
        if self.name is not None and self.output is not None and not into_folder:
            raise UsageError("--name and -o FILE both name the output: leave one out")
        rename = partial(self._renamed, ending=ending, fields=fields or {})
        jobs = planning.plan(inputs, self.output, rename)
        self._refuse_streams(jobs)
        skipped = 0
        if self.skip_existing and self.manifest is None:
            skipped = len(jobs) - len(jobs := list(planning.pending(jobs)))
        for job in jobs:
            _refuse_other_ending(Path(job.target), ending, also)
        if self.manifest is None:
            self.refuse_losses(jobs)
        if into_folder and not self.dry_run:
            planning.make_folders(jobs)
        return Planned(jobs, skipped, tuple(inputs.unread))

    def refuse_losses(self, jobs: Iterable[Job]) -> None:
        """Refuse to replace pictures beside the inputs, which may be originals.

        Raises:
            UsageError: one would be.
        """
        if self.output is None and not self.overwrite:
            for job in jobs:
                _refuse_loss(job.target)

    def refuse_parts(self, what: str) -> None:
        """Refuse to do a part of the work only, for what finds one level for all of it.

        Raises:
            UsageError: a part was asked for.
        """
        if self.resume or self.skip_existing or self.shard is not None:
            raise UsageError(
                f"{what} finds one level for all pictures, which --resume, --skip-existing and "
                "--shard leave out: find it by choose-level first"
            )

    def _refuse_contradictions(self) -> None:
        if self.resume and self.manifest is None:
            raise UsageError("--resume goes on from a manifest: add --manifest FILE")
        if self.address is not None and self.engine != "ray":
            raise UsageError("--address is of a Ray cluster: add --engine ray")

    def _refuse_streams(self, jobs: Sequence[Job]) -> None:
        """Refuse standard streams where other processes work, which have none."""
        if any(STANDARD in (job.source, job.target) for job in jobs):
            for option, given in (
                ("--engine ray", self.engine == "ray"),
                ("--timeout", self.timeout),
            ):
                if given:
                    raise UsageError(f"{option} works in other processes, which do not see -")

    def workers(self, planned: "Planned") -> "Workers":
        """The workers for that many jobs: on this machine none for a single one."""
        from neurocodec.batch.engines.engine import Workers

        count = min(self.jobs, len(planned.jobs))
        if self.timeout is not None:
            count = max(1, count)  # nobody would watch this process itself
        elif self.engine == "local" and count < 2:
            count = 0
        named = {} if self.timeout is None else {"timeout_s": self.timeout}
        return Workers(count, engine=self.engine, address=self.address, **named)

    def handling(self, **asked: bool) -> "Handling":
        """What is asked of every file."""
        from neurocodec.batch.handling import Handling

        return Handling(
            self.max_pixels, self.max_bytes, preserve_times=self.preserve_times, **asked
        )

    def _find(
        self,
        accepts: Callable[[Path], bool],
        accepts_name: Callable[[Path], bool] | None,
    ) -> Inputs:
        inputs = planning.find(
            self.inputs,
            listed=self._listed(),
            accepts=accepts,
            accepts_name=accepts_name,
            recursive=self.recursive,
            output=self.output,
        )
        if not inputs.sources and not inputs.many and self.files_from is None:
            raise UsageError("INPUT is missing: name a file, a folder, - or --files-from LIST")
        if self.shard is not None:
            inputs.sources = planning.shard(inputs.sources, *self.shard)
        if self.output is None and self.manifest is not None:
            # A batch beside its inputs may have made pictures there, which are not to be coded.
            made = manifests.outputs(self.manifest)
            inputs.sources = [s for s in inputs.sources if os.path.abspath(s.path) not in made]  # noqa: PTH100
        note_ignored(inputs, deeper=self.recursive or self.files_from is not None)
        return inputs

    def _renamed(self, place: Path, ending: str, fields: Mapping[str, Any]) -> Path:
        if self.name is not None:
            return place.with_name(_named(self.name, place, ending, fields))
        if self.keep_extension:
            return place.with_name(place.name + ending)
        return place.with_suffix(ending)

    def _listed(self) -> list[str]:
        return listed(self.files_from, null_separated=self.null_separated)


def _named(template: str, place: Path, ending: str, fields: Mapping[str, Any]) -> str:
    """The name of an output by a template.

    Raises:
        UsageError: the template has a field that is not known, or makes no name.
    """
    known = {"stem": place.stem, "name": place.name, "suffix": ending, **fields}
    try:
        name = template.format_map(known)
    except (KeyError, ValueError, IndexError, AttributeError, TypeError) as exc:
        names = ", ".join(f"{{{key}}}" for key in known)
        raise UsageError(f"--name {template!r}: has {exc}, and the fields are {names}") from exc
    if not name or Path(name).name != name:
        raise UsageError(f"--name {template!r}: makes {name!r}, which is no name of a file")
    return name


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
        "--name",
        metavar="TEMPLATE",
        help="Name outputs by a template of {stem}, {name}, {suffix} and, where it is known, {qp} "
        "or another level: '{stem}.{qp}{suffix}'.",
    )
    @click.option(
        "--overwrite",
        is_flag=True,
        help="Replace pictures beside the inputs, which may be originals.",
    )
    @options.jobs
    @options.as_json
    @batch_options
    @options.max_pixels
    @options.max_bytes
    @wraps(command)
    def wrapped(**values: Any) -> Any:
        chosen = Selection(**{field.name: values.pop(field.name) for field in fields(Selection)})
        return command(chosen=chosen, **values)

    return wrapped


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
