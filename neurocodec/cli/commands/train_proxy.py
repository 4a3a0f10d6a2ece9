"""`neurocodec train-proxy`."""

from typing import TYPE_CHECKING, Any

import click

from neurocodec.cli import options, training

if TYPE_CHECKING:
    from neurocodec.training.config import Config
    from neurocodec.training.report import Report


@click.command("train-proxy")
@options.codec
@training.qps
@options.option(
    "--qa/--no-qa",
    default=True,
    help="One network that adapts to the QP, or one a QP in folders of their own, each trained for "
    "the full time.",
)
@options.count(
    "--width", "Channels of the features; 48 can be trained on a processor.", default=192
)
@options.count("--latents", "Channels of the latents.", least=3, default=192)
@options.option(
    "--first-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.5,
    help="Share of the steps or minutes for stage 1, a codec by itself.",
)
@training.start("Weights that have stage 1 behind them; their width counts.")
@training.shared
def train_proxy(config: "Config", report: "Report", **chosen: Any) -> None:
    """Train a learned codec that mimics a standard one, for its gradient.

    Stage 1 learns to code pictures (DIR/rate-distortion: also the codec mbt2018), stage 2 to
    reproduce the codec's pictures in few bits. The last lines say how near it came on the pictures
    kept apart.

    \b
    neurocodec train-proxy --codec bpg --data pictures -o proxy-bpg --width 48 --latents 64 \\
        --learning-rate 1e-3 --max-minutes 30
    """
    from neurocodec.training.proxy import ProxyOptions, train

    trained, scores = train(ProxyOptions(**chosen), config, report)
    for one in trained:
        training.done(one)
    if len(trained) > 1:
        training.say("\n".join(scores.remarks))
