"""`neurocodec encode`."""

from typing import TYPE_CHECKING

import click

from neurocodec.cli import options, targeting
from neurocodec.cli.many_files import Selection, selection

if TYPE_CHECKING:
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
@options.max_pixels
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
    max_pixels: int,
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

    setting = Setting(codec, filter, chroma, flatten, keep_metadata, device)
    pipeline = prepared(setting)
    if level is not None:
        pipeline.own_level(level)
    planned = chosen.plan(pipeline.codec.extension, images.has_picture_name)
    many_files.load_filter(pipeline, level, planned)
    processes = chosen.processes(planned)
    if aim is not None:
        outcomes = aim.encode(planned, setting, processes, max_pixels)
    else:
        assert level is not None
        outcomes = run.encode(planned, run.Work(setting, level, processes, max_pixels))
    many_files.report(outcomes, planned, chosen, "encoding")
