"""Command lines as getopt and getopt_long_only read them."""

import getopt
import re
from collections.abc import Callable, Collection, Sequence
from typing import NoReturn

import click

from neurocodec import cli
from neurocodec.errors import UsageError

LIBBPG = "0.9.8"


class _Unparsed(click.Command):
    """A command that takes its arguments as they are."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params = {"arguments": list(args)}
        return []


def run(function: Callable[[Sequence[str]], None], name: str) -> NoReturn:
    """Run a drop-in as a program; every failure exits with 1, as libbpg's do."""
    cli.run(_Unparsed(name, callback=lambda arguments: function(arguments)), name, failure=1)


def show(text: str) -> NoReturn:
    """Print a help text and exit with 1, as libbpg's programs do."""
    click.echo(text, nl=False)
    raise click.exceptions.Exit(1)


def parse(
    arguments: Sequence[str], short: str, long: Collection[str] = ()
) -> tuple[list[tuple[str, str]], list[str]]:
    """Split a command line into options and operands, which may be mixed.

    Args:
        arguments: the command line without the program's name.
        short: option letters, a colon after each that takes a value.
        long: names that may follow one dash or two, an "=" after each that takes a value; the
            beginning of a name is enough where no other begins so.

    Returns:
        Each option's full name and its value ("" without one), and the operands.

    Raises:
        UsageError: an option that does not exist, or lacks its value.
    """
    end = [*arguments, "--"].index("--")
    spelt = [_with_two_dashes(argument, short, long) for argument in arguments[:end]]
    try:
        pairs, operands = getopt.gnu_getopt([*spelt, *arguments[end:]], short, [*long])
    except getopt.GetoptError as exc:
        raise UsageError(f"{exc}: -h lists the options") from None
    return [(name.lstrip("-"), value) for name, value in pairs], operands


def _with_two_dashes(argument: str, short: str, long: Collection[str]) -> str:
    """Spell an option with two dashes where it is the beginning of a long one, not a letter."""
    name = argument[1:].partition("=")[0]
    is_long = len(argument) > 2 or argument[1:] not in short
    known = any(option.startswith(name) for option in long)
    return f"-{argument}" if argument.startswith("-") and name and is_long and known else argument


def number(text: str) -> int:
    """Read the number that a text begins with, as C's atoi does: 0 where there is none."""
    digits = re.match(r"\s*[-+]?\d+", text)
    return int(digits[0]) if digits else 0
