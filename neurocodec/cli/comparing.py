"""The options of the commands that compare curves."""

from functools import wraps
from typing import Any

import click

from neurocodec.cli.options import Command


def estimation(command: Command) -> Command:
    """Add --method, --bootstrap and --seed; the command gets them as one `estimation`."""

    @click.option(
        "--method",
        type=click.Choice(["pchip", "akima"]),
        default="pchip",
        show_default=True,
        help="Interpolation of the rate over the score.",
    )
    @click.option(
        "--bootstrap",
        type=click.IntRange(min=0),
        default=1000,
        show_default=True,
        metavar="N",
        help="Bootstrap replicates for the 95 % intervals; 0 gives none.",
    )
    @click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Seed of the bootstrap.",
    )
    @wraps(command)
    def wrapped(*args: Any, method: Any, bootstrap: int, seed: int, **rest: Any) -> Any:
        from neurocodec.evaluation.bd_rate import Estimation

        return command(*args, estimation=Estimation(method, bootstrap, seed), **rest)

    return wrapped
