"""`neurocodec filter`."""

from typing import TYPE_CHECKING

import click

from neurocodec.cli import options
from neurocodec.cli.many_files import Selection, selection
from neurocodec.errors import UsageError

if TYPE_CHECKING:
    from neurocodec.codecs import Level


@click.command("filter")
@selection
@options.level
@options.codec
@options.filter_with_settings
@options.flatten
@options.max_pixels
@options.device
@options.verbosity
def filter_(
    chosen: Selection,
    level: "Level",
    codec: str,
    filter: str,
    flatten: str | None,
    max_pixels: int,
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
    planned = chosen.plan(".filtered.png", images.has_picture_name, also)
    many_files.load_filter(pipeline, level, planned)
    if planned and pipeline.loaded_filter.needs_encoder:
        raise UsageError(f"--filter {filter} finds what only encode can write: use encode")
    work = run.Work(setting, level, chosen.processes(planned), max_pixels)
    many_files.report(run.filter_pictures(planned, work), planned, chosen, "filtering")
