"""`neurocodec filter`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from neurocodec.batch.plan import Job
from neurocodec.cli import options
from neurocodec.cli.selection import Selection, selection
from neurocodec.errors import UsageError

if TYPE_CHECKING:
    from neurocodec.batch.engines.local import Outcome
    from neurocodec.batch.records import FilterRecord
    from neurocodec.codecs import Level


@click.command("filter")
@selection
@options.level
@options.codec
@options.filter_with_settings
@options.flatten
@options.device
@options.verbosity
def filter_(
    chosen: Selection,
    level: "Level",
    codec: str,
    filter: str,
    flatten: str | None,
    device: str,
) -> None:
    """Write pictures as the encoder would see them, for an encoder of your own.

    The level and the codec tell the filter what it prepares for.

    \b
    neurocodec filter photo.jpg --qp 34 --filter blur:sigma=0.5 -o filtered.png
    """
    from neurocodec import images
    from neurocodec.batch import run
    from neurocodec.cli import many_files
    from neurocodec.pipeline import Setting, prepared

    setting = Setting(codec, filter, flatten=flatten, device=device)
    pipeline = prepared(setting)
    pipeline.own_level(level)
    also = (".png", *run.PPM_ENDINGS)
    fields = level.record()
    planned = chosen.plan(".filtered.png", images.has_picture_name, also, fields)
    many_files.load_filter(pipeline, level, planned.jobs)
    if planned.jobs and pipeline.loaded_filter.needs_encoder:
        raise UsageError(f"--filter {filter} finds what only encode can write: use encode")

    def begin(jobs: list[Job]) -> Iterator["Outcome[Job, FilterRecord]"]:
        work = run.Work(setting, level, chosen.workers(planned), chosen.handling())
        return run.filter_pictures(jobs, work)

    settings = {**many_files.settings(pipeline, planned), **fields}
    many_files.work(planned, chosen, "filtering", settings, begin)
