"""`neurocodec encode`."""

from typing import TYPE_CHECKING

import click

from neurocodec.cli import options
from neurocodec.cli.many_files import Selection, selection

if TYPE_CHECKING:
    from neurocodec.codecs import Level


@click.command()
@selection
@options.level
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
    level: "Level",
    codec: str,
    chroma: str | None,
    filter: str,
    flatten: str | None,
    keep_metadata: bool,
    max_pixels: int,
    device: str,
) -> None:
    """Filter pictures for recognisers and encode them with a stock encoder.

    INPUT is a picture, a folder of them, or - for standard input.

    \b
    neurocodec encode photo.jpg --qp 34              writes photo.bpg
    neurocodec encode frames -r -o small --qp 37     mirrors the tree of frames
    """
    from neurocodec import images
    from neurocodec.batch import run
    from neurocodec.cli import many_files
    from neurocodec.pipeline import Setting, prepared

    setting = Setting(codec, filter, chroma, flatten, keep_metadata, device)
    pipeline = prepared(setting)
    pipeline.own_level(level)
    planned = chosen.plan(pipeline.codec.extension, images.has_picture_name)
    many_files.load_filter(pipeline, level, planned)
    work = run.Work(setting, level, chosen.processes(planned), max_pixels)
    many_files.report(run.encode(planned, work), planned, chosen, "encoding")
