"""`neurocodec finetune-recogniser`."""

from typing import TYPE_CHECKING, Any

import click

from neurocodec.cli import options, training

if TYPE_CHECKING:
    from neurocodec.training.config import Config
    from neurocodec.training.report import Report


@click.command("finetune-recogniser")
@options.codec
@training.qps
@click.option(
    "--model",
    required=True,
    metavar="NAME|FILE",
    help="Classifier: a .safetensors file, or efficientnet_lite0.",
)
@training.defaults(learning_rate=2e-5)
@training.shared
def finetune_recogniser(config: "Config", report: "Report", **chosen: Any) -> None:
    """Fine-tune a classifier on pictures that a codec has coded.

    It learns to predict from decoded pictures what it predicted from the clean ones; no labels are
    needed. The file that it writes is a recogniser for --model everywhere, train-npp included.

    \b
    neurocodec finetune-recogniser --codec bpg --data pictures -o tuned \\
        --model mobilenet_v2.safetensors --max-minutes 30
    """
    from neurocodec.training.recogniser import RecogniserOptions, train

    training.done(train(RecogniserOptions(**chosen), config, report))
