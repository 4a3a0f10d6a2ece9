"""The options of the commands that compare curves."""

import click

method = click.option(
    "--method",
    type=click.Choice(["pchip", "akima"]),
    default="pchip",
    show_default=True,
    help="Interpolation of the rate over the score.",
)
bootstrap = click.option(
    "--bootstrap",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    metavar="N",
    help="Bootstrap replicates for the 95 % intervals; 0 gives none.",
)
seed = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the bootstrap.",
)
