"""Command lines as getopt and getopt_long_only read them."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NoReturn

import click

from neurocodec import cli
from neurocodec.errors import UsageError

LIBBPG = "0.9.8"
Options = list[tuple[str, str]]


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
) -> tuple[Options, list[str]]:
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
    options: Options = []
    operands: list[str] = []
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            operands += left
        elif argument == "-" or not argument.startswith("-"):
            operands.append(argument)
        else:
            options += _long(argument, left, short, long) or _short(argument, left, short)
    return options, operands


def _long(argument: str, left: Iterator[str], short: str, long: Collection[str]) -> Options | None:
    """Read a long option; None where the argument is none, but letters."""
    is_letter = len(argument) == 2 and argument[1] in short
    name, equals, value = argument.lstrip("-").partition("=")
    names = [known for known in long if known.removesuffix("=") == name]
    names = names or [known for known in long if known.startswith(name)]
    if is_letter or not names:
        return None
    if len(names) > 1:
        known = ", ".join(f"-{one.removesuffix('=')}" for one in names)
        raise UsageError(f"{argument} may be any of {known}: write more of it")
    full = names[0].removesuffix("=")
    if full == names[0]:
        if equals:
            raise UsageError(f"-{full} takes no value")
        return [(full, "")]
    return [(full, value if equals else _value(f"-{full}", left))]


def _short(argument: str, left: Iterator[str], short: str) -> Options:
    options: Options = []
    letters = argument[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        if letter not in short or letter == ":":
            raise UsageError(f"{argument} is no option: -h lists them")
        if short[short.index(letter) + 1 :].startswith(":"):
            options.append((letter, letters or _value(f"-{letter}", left)))
            break
        options.append((letter, ""))
    return options


def _value(option: str, left: Iterator[str]) -> str:
    value = next(left, None)
    if value is None:
        raise UsageError(f"{option} needs a value")
    return value


def number(text: str) -> int:
    """Read the number that a text begins with, as C's atoi does: 0 where there is none."""
    digits = re.match(r"\s*[-+]?\d+", text)
    return int(digits[0]) if digits else 0
