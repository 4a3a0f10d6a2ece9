"""The options of the commands that compare curves."""

from functools import wraps
from typing import Any

import click

from neurocodec.cli import options


def estimation(command: options.Command) -> options.Command:
    """Add --method, --bootstrap and --seed; the command gets them as one `estimation`."""

    @options.option(
        "--method",
        type=click.Choice(["pchip", "akima"]),
        default="pchip",
        help="Interpolation of the rate over the score.",
    )
    @options.count(
        "--bootstrap",
        "Bootstrap replicates for the 95 % intervals; 0 gives none.",
        least=0,
        default=1000,
        metavar="N",
    )
    @options.count("--seed", "Seed of the bootstrap.", least=0, default=0)
    @wraps(command)
    def wrapped(*args: Any, method: Any, bootstrap: int, seed: int, **rest: Any) -> Any:
        from neurocodec.evaluation.bd_rate import Estimation

        return command(*args, estimation=Estimation(method, bootstrap, seed), **rest)

    return wrapped
