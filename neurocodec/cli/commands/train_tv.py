"""`neurocodec train-tv`."""

from typing import TYPE_CHECKING, Any

import click

from neurocodec.cli import options, training

if TYPE_CHECKING:
    from neurocodec.training.config import Config


@click.command()
@options.codec
@training.models
@click.option(
    "--arch",
    type=click.Choice(["tv", "segnet"]),
    default="tv",
    show_default=True,
    help="The network.",
)
@click.option(
    "--width",
    type=click.IntRange(min=1),
    help="Channels of its first stage.  [default: 32 for tv, 64 for segnet]",
)
@click.option(
    "--lmbda",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    callback=training.finite,
    help="What total variation weighs against recognition; 0 with segnet is Palacio+.",
)
@click.option(
    "--copy-steps",
    type=click.IntRange(min=0),
    help="At first, that teach the network to copy.  [default: 0 for tv, 1000 for segnet]",
)
@training.task
@training.loss
@training.shared
def train_tv(config: "Config", **chosen: Any) -> None:
    """Train a filter that keeps what a recogniser needs and evens out the rest.

    One filter for every codec and QP: training runs no codec, and --codec is only for the BD-rate
    that --validate-every measures.

    \b
    neurocodec train-tv --data pictures -o tv --model squeezenet1_0.safetensors --max-minutes 60
    """
    from neurocodec.training.assembly.tv import TvOptions, train_tv

    progress = train_tv(TvOptions(**chosen), config, training.report)
    training.done(config.output / f"{chosen['arch']}.safetensors", progress)
