"""Options that several commands share, each written once."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click

from neurocodec.batch.engines import local as workers
from neurocodec.cli import console

Command = Callable[..., Any]

output = click.option(
    "-o",
    "--output",
    metavar="OUT",
    help="File, folder (for many: the tree is mirrored), or - for standard output. "
    "Without it results go beside their inputs.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout.")
codec = click.option(
    "--codec",
    default="bpg",
    show_default=True,
    metavar="bpg|jpeg|jpeg2000|vvc",
    help="Settings follow a colon: vvc:preset=medium.",
)
weights = click.option(
    "--weights",
    metavar="NAME|FILE",
    help="Of --pre npp, tv or segnet: short for npp:weights=NAME.",
)
_pre = click.option(
    "--pre",
    default="auto",
    show_default=True,
    metavar="NAME[:KEY=VALUE]",
    help="Filter before the encoder: none, blur:sigma=0.5, scale:factor=0.5, tvl1:lmbda=1, and "
    "the trained ones, npp, tv and segnet, with --weights; auto is the trained filter for the "
    "codec once one is installed.",
)
qp = click.option(
    "--qp",
    type=int,
    help="As the format's reference encoder counts: bpgenc -q, vvencapp -q. For jpeg and "
    "jpeg2000 the quality of the same mean bpp as BPG at that QP.",
)
quality = click.option("--quality", type=int, help="For jpeg (1-100) and jpeg2000 (dB).")
device = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where torch computes.",
)
flatten = click.option(
    "--flatten", metavar="COLOUR", help="Lay a transparent picture over white, black or #rrggbb."
)
max_pixels = click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    default=179_000_000,
    show_default=True,
    help="Refuse larger pictures unread.",
)
jobs = click.option(
    "-j",
    "--jobs",
    "processes",
    type=click.IntRange(min=1),
    default=workers.available_cores,
    help="Processes.  [default: one a core]",
)


def pre(command: Command) -> Command:
    """Add --pre and --weights; the command gets both as one `pre`."""

    @_pre
    @weights
    @wraps(command)
    def wrapped(*args: Any, pre: str, weights: str | None, **rest: Any) -> Any:
        return command(*args, pre=with_weights([pre], weights)[0], **rest)

    return wrapped


def with_weights(pres: Sequence[str], weights: str | None) -> Sequence[str]:
    """The filters, those that are trained ones with the weights that --weights names.

    Raises:
        UsageError: there is no such filter among them, or one has weights already.
    """
    if weights is None:
        return pres
    from neurocodec import filters

    return filters.with_weights(pres, weights)


def verbosity(command: Command) -> Command:
    """Add -q and -v; they take effect before the command's body runs."""

    @click.option("-q", "--quiet", is_flag=True, help="Errors only on stderr.")
    @click.option("-v", "--verbose", count=True, help="Show commands run; -vv also their words.")
    @wraps(command)
    def wrapped(*args: Any, quiet: bool, verbose: int, **rest: Any) -> Any:
        console.set_up(-1 if quiet else verbose)
        return command(*args, **rest)

    return wrapped
