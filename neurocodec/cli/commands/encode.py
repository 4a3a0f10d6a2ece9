"""`neurocodec encode`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from neurocodec.batch.plan import Job
from neurocodec.cli import options, targeting
from neurocodec.cli.selection import Selection, selection

if TYPE_CHECKING:
    from neurocodec.batch.engines.local import Outcome
    from neurocodec.batch.records import EncodeRecord
    from neurocodec.cli.targeting import Aim
    from neurocodec.codecs import Level


@click.command()
@selection
@targeting.level_or_target
@options.codec
@options.chroma
@options.filter_with_settings
@options.flatten
@click.option("--keep-metadata", is_flag=True, help="Keep EXIF, ICC and XMP.")
@options.verify
@options.keep_smaller
@options.device
@options.verbosity
def encode(
    chosen: Selection,
    level: "Level | None",
    aim: "Aim | None",
    codec: str,
    chroma: str | None,
    filter: str,
    flatten: str | None,
    keep_metadata: bool,
    verify: bool,
    keep_smaller: bool,
    device: str,
) -> None:
    """Encode pictures for recognisers with a stock encoder; --filter search saves the most bits.

    INPUT is a picture, a folder of them, or - for standard input.

    \b
    neurocodec encode photo.jpg --qp 34              writes photo.bpg
    neurocodec encode photo.jpg --qp 34 --filter search    the best filter for it
    neurocodec encode frames -r -o small --qp 37     mirrors the tree of frames
    neurocodec encode photo.jpg --target-size 20k    the QP that makes at most 20 kB
    """
    from neurocodec import images
    from neurocodec.batch import run
    from neurocodec.cli import many_files
    from neurocodec.pipeline import Setting, prepared

    if aim is not None and aim.per_folder:
        chosen.refuse_parts("--per folder")
    setting = Setting(codec, filter, chroma, flatten, keep_metadata, device)
    pipeline = prepared(setting)
    if level is not None:
        pipeline.own_level(level)
    fields = {} if level is None else level.record()
    planned = chosen.plan(pipeline.codec.extension, images.has_picture_name, fields=fields)
    many_files.load_filter(pipeline, level, planned.jobs)
    workers = chosen.workers(planned)
    handling = chosen.handling(verify=verify, keep_smaller=keep_smaller)

    def begin(jobs: list[Job]) -> Iterator["Outcome[Job, EncodeRecord]"]:
        if aim is not None:
            return aim.encode(jobs, setting, workers, handling)
        assert level is not None
        return run.encode(jobs, run.Work(setting, level, workers, handling))

    asked = fields if aim is None else {"target": aim.settings}
    settings = {**many_files.settings(pipeline, planned), **asked, "keep_smaller": keep_smaller}
    many_files.work(planned, chosen, "encoding", settings, begin)
