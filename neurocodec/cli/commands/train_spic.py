"""`neurocodec train-spic`."""

from typing import TYPE_CHECKING, Any

import click

from neurocodec.cli import options, training

if TYPE_CHECKING:
    from neurocodec.training.config import Config
    from neurocodec.training.report import Report


@click.command("train-spic")
@click.option(
    "--split",
    metavar="MODEL:LAYER",
    help="Begin with this classifier, cut after the layer: what is before it makes the latents, "
    "what is after it classifies them.",
)
@click.option(
    "--fine-tune",
    is_flag=True,
    help="Let both parts of the classifier of --split learn too: needs very many pictures.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME|FILE",
    help="Classifier whose predictions are learnt; several: give it again.  [default: that of "
    "--split]",
)
@click.option(
    "--labels",
    is_flag=True,
    help="Learn the labels in --data (labels.csv, or a folder a class) in place of predictions.",
)
@options.count("--latents", "Channels of the latents.  [default: 48, or that of --from]")
@options.count(
    "--width",
    "Channels of the decoder to pixels, and without --split of the encoder.  [default: 32, or "
    "that of --from]",
    least=2,
)
@options.count(
    "--classes",
    "Classes of a classifier of its own, without --split.  [default: 1000, those of --labels, or "
    "those of --from]",
)
@options.option(
    "--alpha",
    type=click.FloatRange(min=0),
    default=0.3,
    callback=training.finite,
    help="Weight of the bits per pixel against the squared error.",
)
@options.option(
    "--beta",
    type=click.FloatRange(min=0),
    default=0.1,
    callback=training.finite,
    help="Weight of recognition against the squared error.",
)
@training.start("Weights to begin with.")
@training.shared
def train_spic(config: "Config", report: "Report", **chosen: Any) -> None:
    """Train the learned codec spic, whose files are classified without decoding.

    \b
    neurocodec train-spic --data pictures -o spic --max-minutes 60 \\
        --split efficientnet_lite0:block11.project
    """
    from neurocodec.training.spic import SpicOptions, train

    training.done(train(SpicOptions(**chosen), config, report))
