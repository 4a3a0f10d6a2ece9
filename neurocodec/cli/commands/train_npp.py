"""`neurocodec train-npp`."""

from typing import TYPE_CHECKING, Any

import click

from neurocodec.cli import options, training

if TYPE_CHECKING:
    from neurocodec.training.config import Config
    from neurocodec.training.report import Report


@click.command("train-npp")
@options.codec
@training.qps
@training.recognition
@click.option(
    "--arch",
    type=click.Choice(["npp", "npp-residual", "npp-light", "npp-context", "npp-semantic"]),
    help="Network.  [default: npp, the paper's, or that of --from]",
)
@options.option("--qa/--no-qa", default=True, help="Adapt the filter to the QP, or not.")
@options.option(
    "--lmbda",
    default="slope",
    metavar="slope|λ|QP=λ,…",
    help="Weight of recognition against bpp: slope is the codec's rate–distortion slope.",
)
@options.option(
    "--beta",
    type=click.FloatRange(min=0),
    default=0.5,
    callback=training.finite,
    help="Weight of the mean squared error between picture and filtered picture (samples 0 to 1).",
)
@click.option(
    "--random-crops",
    "--partial-views",
    "random_crops",
    is_flag=True,
    help="Show classifiers random crops, the same of clean and decoded pictures.",
)
@options.count(
    "--drawn",
    "Recognisers drawn for every micro-batch.  [default: all]",
    metavar="N",
)
@training.start("Weights to begin with.")
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    metavar="NAME|FILE",
    help="Weights of train-proxy, one a QP or one for all.  [default: the effect of quantising "
    "DCT coefficients on bits and pictures]",
)
@options.option(
    "--swap/--no-swap",
    "swapping",
    default=True,
    help="Replace the proxy's pictures and bits by the real codec's, or not.",
)
@training.shared
def train_npp(config: "Config", report: "Report", **chosen: Any) -> None:
    """Train the neural preprocessor with the real codec in the loop.

    \b
    neurocodec train-npp --codec bpg --arch npp-light --data pictures -o npp-bpg \\
        --model squeezenet1_0.safetensors --model mobilenet_v2.safetensors \\
        --beta 30 --random-crops --max-minutes 60
    neurocodec train-npp --recipe npp-first -o npp-first
    """
    from neurocodec.training.npp import NppOptions, train

    training.done(train(NppOptions(**chosen), config, report))
