"""`neurocodec encode`."""

import click

from neurocodec.cli import options
from neurocodec.cli.selection import Selection, selection


@click.command()
@selection
@options.qp
@options.quality
@options.codec
@click.option("--chroma", type=click.Choice(["420", "422", "444"]), help="Chroma subsampling.")
@options.pre
@options.flatten
@click.option("--keep-metadata", is_flag=True, help="Keep EXIF, ICC and XMP.")
@options.max_pixels
@options.device
@options.verbosity
def encode(
    chosen: Selection,
    qp: int | None,
    quality: int | None,
    codec: str,
    chroma: str | None,
    pre: str,
    flatten: str | None,
    keep_metadata: bool,
    max_pixels: int,
    device: str,
) -> None:
    """Filter pictures and encode them with a stock encoder.

    INPUT is a picture, a folder of them, or - for standard input.

    \b
    neurocodec encode photo.jpg --qp 34              writes photo.bpg
    neurocodec encode frames -r -o small --qp 37     mirrors the tree of frames
    """
    from neurocodec import images
    from neurocodec.batch import run as batch
    from neurocodec.cli import running
    from neurocodec.pipeline import Setting

    setting = Setting(codec, qp, quality, chroma, pre, flatten, keep_metadata, device)
    ready = batch.pipeline(setting)
    planned = running.plan(chosen, ready.codec.extension, images.has_picture_name)
    running.announce(ready)
    processes = chosen.processes_for(planned)
    outcomes = batch.encode(planned, setting, processes=processes, max_pixels=max_pixels)
    running.report(outcomes, planned, chosen, "encoding")
