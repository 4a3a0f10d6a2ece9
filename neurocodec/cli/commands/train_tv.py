"""`neurocodec train-tv`."""

from typing import TYPE_CHECKING, Any

import click

from neurocodec.cli import options, training

if TYPE_CHECKING:
    from neurocodec.training.config import Config
    from neurocodec.training.report import Report


@click.command("train-tv")
@options.codec
@training.recognition
@options.option("--arch", type=click.Choice(["tv", "segnet"]), default="tv", help="Network.")
@options.count("--width", "Channels of the first stage.  [default: 32 for tv, 64 for segnet]")
@options.option(
    "--lmbda",
    type=click.FloatRange(min=0),
    default=1.0,
    callback=training.finite,
    help="Weight of total variation against recognition; 0 with segnet is Palacio+.",
)
@options.count(
    "--copy-steps",
    "First steps, that teach the network to copy.  [default: 0 for tv, 1000 for segnet]",
    least=0,
)
@training.shared
def train_tv(config: "Config", report: "Report", **chosen: Any) -> None:
    """Train a filter that keeps what a recogniser needs and evens out the rest.

    The filter serves every codec and QP: training runs no codec, and --codec is only for the
    BD-rate on the pictures kept apart.

    \b
    neurocodec train-tv --data pictures -o tv --model squeezenet1_0.safetensors --max-minutes 60
    """
    from neurocodec.training.tv import TvOptions, train

    training.done(train(TvOptions(**chosen), config, report))
