"""The commands over many files: what they share between options and outcomes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from neurocodec import locks
from neurocodec.batch import manifest as manifests
from neurocodec.batch import plan as planning
from neurocodec.batch.engines.local import Outcome
from neurocodec.batch.manifest import Manifest
from neurocodec.batch.plan import Job
from neurocodec.batch.records import Record
from neurocodec.cli import console
from neurocodec.cli.outcomes import Outcomes, show_plan
from neurocodec.cli.selection import Planned, Selection
from neurocodec.errors import DiskFullError

if TYPE_CHECKING:
    from neurocodec.codecs import Level
    from neurocodec.pipeline import Pipeline


def work(
    planned: Planned,
    chosen: Selection,
    what: str,
    settings: dict[str, Any],
    begin: Callable[[list[Job]], Iterator[Outcome[Job, Record]]],
) -> None:
    """Work on what was planned: results are printed as they come, the failures last.

    Args:
        planned: from `chosen.plan`.
        chosen: the options.
        what: the work, as the progress bar calls it.
        settings: of the work, for the manifest.
        begin: starts the work on jobs; their outcomes come in their order.

    Raises:
        UsageError: the manifest is of other settings, or another run is at the same files.
        click.exceptions.Exit: with the exit code of the first failure, if there was one.
    """
    outcomes = Outcomes(chosen.as_json, planned.skipped)
    with ExitStack() as stack:
        manifest = None
        jobs = planned.jobs
        if len(jobs) > 1 and not chosen.dry_run:
            stack.enter_context(locks.alone(job.target for job in jobs))
        if chosen.manifest is not None and not (chosen.dry_run and not chosen.manifest.exists()):
            goes_on = chosen.resume or chosen.skip_existing
            opened = manifests.opened(chosen.manifest, settings, resume=goes_on)
            manifest = stack.enter_context(opened)
            jobs = _left(jobs, manifest, chosen, outcomes)
        if chosen.dry_run:
            show_plan(jobs, chosen.as_json)
            return
        for path, error in planned.unread:
            outcomes.add(Outcome(Job(path, ""), None, error), begun=False)
        _follow(begin(jobs) if jobs else iter(()), jobs, chosen, what, (outcomes, manifest))
    outcomes.end(batch=len(planned.jobs) + len(planned.unread) > 1 or bool(outcomes.skipped))


def _left(jobs: list[Job], manifest: Manifest, chosen: Selection, outcomes: Outcomes) -> list[Job]:
    """The jobs that a manifest does not have as done.

    Raises:
        UsageError: the manifest is of other settings, or does not have what would be replaced.
    """
    if manifest.entries and not any(map(manifest.has, jobs)):
        console.note(f"{manifest.name} has none of these pictures")
    if chosen.skip_existing and not chosen.resume:
        return _without_existing(jobs, manifest, outcomes)
    manifest.refuse_others(jobs)
    chosen.refuse_losses(job for job in jobs if not manifest.has(job))
    finished = manifest.finished(jobs)
    if finished.stale:
        console.note(f"{len(finished.stale)} inputs or outputs changed since: done anew")
    outcomes.skip(len(finished.whole), f"in {manifest.name} and whole")
    return [job for job in jobs if job not in finished.whole]


def _without_existing(jobs: list[Job], manifest: Manifest, outcomes: Outcomes) -> list[Job]:
    """The jobs without those whose output exists, unless it was made with other settings."""
    absent = set(planning.pending(jobs))
    existing = [job for job in jobs if job not in absent]
    unknown = {job for job in existing if not manifest.has(job)}
    done = {job for job in existing if manifest.made_alike(job)}
    others = len(existing) - len(done) - len(unknown)
    if others:
        console.note(f"{others} outputs exist that were made with other settings: done anew")
    outcomes.skip(len(done), "made with these settings")
    outcomes.skip(len(unknown), "whatever their settings were")
    return [job for job in jobs if job not in done | unknown]


def _follow(
    running: Iterator[Outcome[Job, Record]],
    jobs: Sequence[Job],
    chosen: Selection,
    what: str,
    into: tuple[Outcomes, Manifest | None],
) -> None:
    """Take every outcome in; a full disk ends the work, as does a failure with --fail-fast."""
    outcomes, manifest = into
    try:
        with console.progress(len(jobs), what) as advance:
            for outcome in running:
                outcomes.add(outcome)
                if manifest is not None:
                    manifest.add(outcome)
                advance(outcomes.input_bytes)
                if isinstance(outcome.error, DiskFullError) or (outcome.error and chosen.fail_fast):
                    outcomes.stopped = len(jobs) - outcomes.seen
                    break
    except KeyboardInterrupt:
        how = "--resume" if manifest is not None else "--skip-existing"
        console.note(f"{outcomes.done} of {len(jobs)} done: {how} goes on from there")
        raise
    finally:
        if hasattr(running, "close"):
            running.close()  # which stops the workers
        planning.clear(jobs)


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


def settings(pipeline: "Pipeline", planned: Planned) -> dict[str, Any]:
    """What decides the files of a pipeline, in plain values."""
    asked = pipeline.setting
    weights = pipeline.loaded_filter.weights_sha256 if planning.any_present(planned.jobs) else ""
    return {
        "codec": asked.codec,
        "encoder": pipeline.codec.encoder,
        "chroma": pipeline.codec.chroma,
        "filter": pipeline.filter_spec,
        "weights_sha256": weights,
        "flatten": asked.flatten,
        "keep_metadata": asked.keep_metadata,
    }
