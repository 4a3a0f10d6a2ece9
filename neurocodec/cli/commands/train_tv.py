"""`neurocodec train-tv`."""

from typing import TYPE_CHECKING, Any

import click

from neurocodec.cli import options, training, training_report
from neurocodec.cli.training import COUNT, NOT_NEGATIVE, choice, option

if TYPE_CHECKING:
    from neurocodec.training.config import Config
    from neurocodec.training.report import Report


@click.command("train-tv")
@options.codec
@training.recognition
@choice("--arch", ["tv", "segnet"], "Network.", default="tv")
@option("--width", COUNT, "Channels of the first stage.", show_default="32 for tv, 64 for segnet")
@option(
    "--lmbda",
    NOT_NEGATIVE,
    "Weight of total variation against recognition; 0 with segnet is Palacio+.",
    default=1.0,
    callback=training.finite,
)
@option(
    "--copy-steps",
    click.IntRange(min=0),
    "First steps, that teach the network to copy.",
    show_default="0 for tv, 1000 for segnet",
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

    training_report.done(train(TvOptions(**chosen), config, report))
