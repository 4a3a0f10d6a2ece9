"""The options of batches: going on, sharing out, stopping, where to work."""

from pathlib import Path

import click

from neurocodec.cli import options
from neurocodec.errors import UsageError


def _shard(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[int, int] | None:
    """The numbers of "3/16".

    Raises:
        UsageError: the text cannot be read.
    """
    if text is None:
        return None
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise UsageError(f"--shard: cannot read {text!r}: write 1/16 to 16/16")
    return int(number), int(count)


_BATCH = (
    click.option(
        "--manifest",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write a JSON line a picture: hashes, settings, bytes, milliseconds, or the error.",
    ),
    click.option(
        "--resume",
        is_flag=True,
        help="Go on from --manifest: what it has is verified, not done again.",
    ),
    click.option(
        "--shard",
        callback=_shard,
        metavar="I/N",
        help="Do part I of N: the parts are disjoint and together all.",
    ),
    click.option("--dry-run", is_flag=True, help="Print inputs and outputs, and write nothing."),
    click.option("--fail-fast", is_flag=True, help="Stop at the first failure."),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="S",
        help="Give a picture up after S seconds.  [default: an hour]",
    ),
    click.option("--preserve-times", is_flag=True, help="Give outputs the inputs' times."),
    options.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        help="Where to work: processes of this machine, or a Ray cluster.",
    ),
    click.option(
        "--address", metavar="HOST:PORT|auto", help="The Ray cluster.  [default: one made here]"
    ),
)


def batch_options(command: options.Command) -> options.Command:
    """Add the options of batches."""
    for option in reversed(_BATCH):
        command = option(command)
    return command
