"""`neurocodec train-proxy`."""

from typing import TYPE_CHECKING, Any

import click

from neurocodec.cli import options, training

if TYPE_CHECKING:
    from neurocodec.training.config import Config


@click.command()
@options.codec
@training.qps
@click.option(
    "--qa/--no-qa",
    default=True,
    show_default=True,
    help="One network that adapts to the QP, or one a QP in folders of their own, each trained as "
    "long as is said.",
)
@click.option(
    "--width",
    type=click.IntRange(min=1),
    default=192,
    show_default=True,
    help="Channels of the features; 48 trains on a processor.",
)
@click.option(
    "--latents",
    type=click.IntRange(min=3),
    default=192,
    show_default=True,
    help="Channels of the latents.",
)
@click.option(
    "--first-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.5,
    show_default=True,
    help="Of the steps or minutes, for stage 1: a codec of its own.",
)
@training.start("Weights that have stage 1 behind them; their width counts.")
@training.shared
def train_proxy(config: "Config", **chosen: Any) -> None:
    """Train a learned codec that behaves as a standard one, for its gradient.

    Stage 1 learns to code pictures (DIR/rate-distortion: also the codec mbt2018), stage 2 to give
    the pictures that the codec gives, in few bits. The last line says how near it came on the
    pictures kept apart.

    \b
    neurocodec train-proxy --codec bpg --data pictures -o proxy-bpg --width 48 --latents 64 \\
        --learning-rate 1e-3 --max-minutes 30
    """
    from neurocodec.training.assembly.proxy import ProxyOptions, train_proxy

    trained = train_proxy(ProxyOptions(**chosen), config, training.report)
    for path, progress in zip(trained.paths, trained.progress, strict=True):
        training.done(path, progress)
    training.say("  ".join(f"{key} {value:.3g}" for key, value in trained.held_out.items()))
