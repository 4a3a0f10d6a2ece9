"""`neurocodec train-npp`."""

from typing import TYPE_CHECKING, Any

import click

from neurocodec.cli import options, training, training_report
from neurocodec.cli.training import NOT_NEGATIVE, choice, flag, option

if TYPE_CHECKING:
    from neurocodec.training.config import Config
    from neurocodec.training.report import Report


@click.command("train-npp")
@options.codec
@training.qps
@training.recognition
@choice(
    "--arch",
    ["npp", "npp-residual", "npp-light", "npp-context"],
    "Network.",
    show_default="npp, the paper's, or that of --from",
)
@option("--qa/--no-qa", bool, "Adapt the filter to the QP, or not.", default=True)
@option(
    "--lmbda",
    str,
    "Weight of recognition against bpp: slope is the codec's rate–distortion slope.",
    default="slope",
    metavar="slope|λ|QP=λ,…",
)
@option(
    "--beta",
    NOT_NEGATIVE,
    "Weight of the mean squared error between picture and filtered picture (samples 0 to 1).",
    default=0.5,
    callback=training.finite,
)
@flag(
    "--random-crops --partial-views random_crops",
    "Show classifiers random crops, the same of clean and decoded pictures.",
)
@option("--from start", str, "Weights to begin with.", metavar="NAME|FILE")
@option(
    "--proxy proxies",
    str,
    "Weights of train-proxy, one a QP or one for all.",
    multiple=True,
    metavar="NAME|FILE",
    show_default="the effect of quantising DCT coefficients on bits and pictures",
)
@option(
    "--swap/--no-swap swapping",
    bool,
    "Replace the proxy's pictures and bits by the real codec's, or not.",
    default=True,
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

    training_report.done(train(NppOptions(**chosen), config, report))
