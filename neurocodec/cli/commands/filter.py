"""`neurocodec preprocess`."""

import click

from neurocodec.cli import options
from neurocodec.cli.selection import Selection, selection


@click.command()
@selection
@options.qp
@options.quality
@options.codec
@options.pre
@options.flatten
@options.max_pixels
@options.device
@options.verbosity
def filter_(
    chosen: Selection,
    qp: int | None,
    quality: int | None,
    codec: str,
    pre: str,
    flatten: str | None,
    max_pixels: int,
    device: str,
) -> None:
    """Write pictures as the encoder would see them, for an encoder of your own.

    The QP and the codec say what the filter should be ready for.

    \b
    neurocodec preprocess photo.jpg --qp 34 --pre blur:sigma=0.5 -o filtered.png
    """
    from neurocodec import images
    from neurocodec.batch import run as batch
    from neurocodec.cli import running
    from neurocodec.pipeline import Setting

    setting = Setting(codec, qp, quality, None, pre, flatten, device=device)
    ready = batch.pipeline(setting)
    planned = running.plan(
        chosen, ".filtered.png", images.has_picture_name, (".png", *batch.PPM_ENDINGS)
    )
    running.announce(ready)
    processes = chosen.processes_for(planned)
    outcomes = batch.preprocess(planned, setting, processes=processes, max_pixels=max_pixels)
    running.report(outcomes, planned, chosen, "filtering")
