"""`neurocodec train-tv`."""

import math
import re
from typing import TYPE_CHECKING, Any

import click

from neurocodec.cli import options, training
from neurocodec.errors import UsageError

if TYPE_CHECKING:
    from neurocodec.training.config import Config
    from neurocodec.training.report import Report


def _range(context: click.Context, parameter: click.Parameter, text: str) -> tuple[float, float]:
    """The lowest and highest λ of "5" or "1-40".

    Raises:
        UsageError: the text cannot be read.
    """
    number = r"[0-9.]+(?:e[-+]?[0-9]+)?"
    found = re.fullmatch(rf"({number})(?:-({number}))?", text, re.IGNORECASE)
    try:
        ends = [float(end or found[1]) for end in found.groups()] if found else []
    except ValueError:
        ends = []
    is_range = bool(found and found[2])
    if not ends or not math.isfinite(ends[1]) or ends[0] > ends[1] or (is_range and ends[0] == 0):
        raise UsageError(f"--lmbda: cannot read λ {text!r}: write 5, or 1-40 for all between them")
    return ends[0], ends[1]


@click.command("train-tv")
@options.codec
@training.recognition
@options.option("--arch", type=click.Choice(["tv", "segnet"]), default="tv", help="Network.")
@options.count("--width", "Channels of the first stage.  [default: 32 for tv, 64 for segnet]")
@options.option(
    "--lmbda",
    default="1",
    callback=_range,
    metavar="λ|λ-λ",
    help="Weight of total variation against recognition, or a range that one filter serves "
    "(--filter tv:weights=…:lmbda=5); 0 with segnet is Palacio+.",
)
@options.count(
    "--copy-steps",
    "First steps, that teach the network to copy.  "
    "[default: 1000 for segnet without --from, else 0]",
    least=0,
)
@training.start("Weights to begin with, of the same --arch and --lmbda range.")
@training.shared
def train_tv(config: "Config", report: "Report", **chosen: Any) -> None:
    """Train a filter that keeps what a recogniser needs and evens out the rest.

    The filter serves every codec and QP: training runs no codec, and --codec is only for the
    BD-rate on the pictures kept apart.

    \b
    neurocodec train-tv --data pictures -o tv --model squeezenet1_0.safetensors --max-minutes 60
    """
    from neurocodec.training.tv import TvOptions, train

    training.done(train(TvOptions(**chosen), config, report))
