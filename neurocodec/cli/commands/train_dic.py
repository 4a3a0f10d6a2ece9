"""`neurocodec train-dic`."""

from typing import TYPE_CHECKING, Any

import click

from neurocodec.cli import options, training

if TYPE_CHECKING:
    from neurocodec.training.config import Config
    from neurocodec.training.report import Report


@click.command("train-dic")
@options.option(
    "--codec", default="jpeg", metavar="bpg|jpeg|…", help="Codec of the BD-rate at the end."
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME|FILE",
    help="Classifier whose features are compared; several: give it again. None is FRIC.",
)
@options.option(
    "--lmbda",
    type=click.FloatRange(min=0),
    default=0.0,
    callback=training.finite,
    help="Weight of the features against the squared error; 0 is FRIC.",
)
@options.option(
    "--gamma",
    type=click.FloatRange(min=0),
    default=1.0,
    callback=training.finite,
    help="Weight of the MMD against the features.",
)
@options.option(
    "--layer", default="", help="Layer whose output the features are.  [default: the last one]"
)
@options.count("--width", "Channels of the first layer.  [default: 64, or that of --from]", least=2)
@click.option(
    "--cell",
    type=click.Choice(["gru", "lstm", "residual-gru"]),
    help="Recurrent cell.  [default: gru, or that of --from]",
)
@click.option(
    "--reconstruction",
    type=click.Choice(["additive", "one-shot"]),
    help="An iteration adds to the picture, or makes it anew.  [default: additive, or that of "
    "--from]",
)
@options.count("--iterations", "Iterations of a picture, 1/8 bpp each.", default=8)
@options.count(
    "--statistics",
    "Training pictures that the prediction of bits, for the entropy coder, is fitted to.",
    default=512,
)
@training.start("Weights to begin with: of FRIC, for DIC.")
@training.defaults(size=32, batch=64, micro_batch=64)
@training.shared
def train_dic(config: "Config", report: "Report", **chosen: Any) -> None:
    """Train the learned codec dic, whose pictures recognisers read well.

    FRIC first, for long, then DIC from its weights.

    \b
    neurocodec train-dic --data pictures -o fric --width 16 --max-minutes 90
    neurocodec train-dic --data pictures -o dic --from fric/dic.safetensors --lmbda 0.01 \\
        --model squeezenet1_0.safetensors --max-minutes 30
    """
    from neurocodec.training.dic import DicOptions, train

    training.done(train(DicOptions(**chosen), config, report))
