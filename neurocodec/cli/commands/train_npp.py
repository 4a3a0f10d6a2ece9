"""`neurocodec train-npp`."""

from typing import TYPE_CHECKING, Any

import click

from neurocodec.cli import options, training

if TYPE_CHECKING:
    from neurocodec.training.config import Config


@click.command()
@options.codec
@training.qps
@training.models
@click.option(
    "--arch",
    type=click.Choice(["npp", "npp-residual", "npp-light", "npp-context"]),
    help="The network.  [default: npp, the paper's, or that of --from]",
)
@click.option(
    "--qa/--no-qa", default=True, show_default=True, help="Whether the filter adapts to the QP."
)
@click.option(
    "--lmbda",
    default="slope",
    show_default=True,
    metavar="slope|λ|QP=λ,…",
    help="What recognition weighs against bpp: slope is the codec's own rate of exchange.",
)
@click.option(
    "--beta",
    type=click.FloatRange(min=0),
    default=0.5,
    show_default=True,
    callback=training.finite,
    help="What likeness to the picture weighs (mean squared error, samples of 0 to 1).",
)
@click.option(
    "--partial-views",
    is_flag=True,
    help="Show classifiers random parts of the pictures, clean and decoded alike.",
)
@training.start("Weights to begin with.")
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    metavar="NAME|FILE",
    help="Weights of train-proxy, one a QP or one for all.  [default: what quantising DCT "
    "coefficients does to bits and pictures]",
)
@click.option(
    "--swap/--no-swap",
    "swapping",
    default=True,
    show_default=True,
    help="Whether the real codec's pictures and bits take the place of the proxy's.",
)
@training.task
@training.loss
@training.shared
def train_npp(config: "Config", **chosen: Any) -> None:
    """Train the neural preprocessor, the real codec in the loop.

    \b
    neurocodec train-npp --codec bpg --arch npp-light --data pictures -o npp-bpg \\
        --model squeezenet1_0.safetensors --model mobilenet_v2.safetensors \\
        --beta 30 --partial-views --max-minutes 60
    """
    from neurocodec.training.assembly.npp import NppOptions, train_npp

    progress = train_npp(NppOptions(**chosen), config, training.report)
    training.done(config.output / "npp.safetensors", progress)
