"""Options that several commands share, each written once."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from neurocodec.batch.engines.local import available_cores
from neurocodec.cli import console
from neurocodec.errors import UsageError

if TYPE_CHECKING:
    from neurocodec.cli.selection import Selection
    from neurocodec.codecs import Level

Command = Callable[..., Any]


def option(*names: str, **settings: Any) -> Callable[[Command], Command]:
    """An option that shows its default where it has one."""
    return click.option(*names, show_default="default" in settings, **settings)


def count(name: str, text: str, least: int = 1, **settings: Any) -> Callable[[Command], Command]:
    """An option of a whole number that is at least `least`."""
    return option(name, type=click.IntRange(min=least), help=text, **settings)


output = click.option(
    "-o",
    "--output",
    metavar="OUT",
    help="File, folder (for many: the tree is mirrored), or - for standard output. "
    "Without it outputs go beside their inputs.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout.")
codec = click.option(
    "--codec",
    default="bpg",
    show_default=True,
    metavar="bpg|jpeg|jpeg2000|vvc|webp|avif|jxl|heic|dic|spic",
    help="Codec; its settings follow a colon: vvc:preset=medium.",
)
chroma = click.option(
    "--chroma", type=click.Choice(["420", "422", "444"]), help="Chroma subsampling."
)
weights = click.option(
    "--weights",
    metavar="NAME|FILE",
    help="Weights of --filter npp, tv or segnet: short for npp:weights=NAME.",
)
filter_ = click.option(
    "--filter",
    "--pre",
    "filter",
    default="auto",
    show_default=True,
    metavar="NAME[:KEY=VALUE]",
    help="Filter before the encoder: search, the best one for each picture; none, blur:sigma=0.5, "
    "scale:factor=0.5, tvl1:lmbda=1; or a trained one, npp, tv or segnet, with --weights. auto is "
    "the trained filter installed for the codec. --pre is an alias.",
)
_models = click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME|FILE",
    help="Recogniser that --filter search, or encode's --target-score, asks; several: give it "
    "again.  [default of search: the installed EfficientNet-Lite 0, 1 and 2]",
)
_task = click.option(
    "--task", metavar="classification|detection", help="The task of --model's recognisers."
)
qp = click.option(
    "--qp",
    type=int,
    metavar="N",
    help="QP of the reference encoder: bpg 0-51 (bpgenc -q), vvc 0-63 (vvencapp -q); 34 is a good "
    "start, fewer bits at higher ones. For jpeg, jpeg2000, webp, avif, jxl and heic: the quality "
    "with BPG's mean bpp.",
)
quality = click.option(
    "--quality",
    type=int,
    metavar="N",
    help="Quality of jpeg, webp, avif, jxl and heic (1-100), or of jpeg2000 (20-60 dB).",
)
iterations = click.option(
    "--iterations", type=int, metavar="N", help="Iterations of dic (1-16), of about 1/8 bpp each."
)
qf = click.option(
    "--qf", type=int, metavar="N", help="Quality factor of spic (8-128): more bits at higher ones."
)
device = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Device for networks and filters.",
)
flatten = click.option(
    "--flatten",
    metavar="COLOUR",
    help="Background under transparent pictures: white, black or #rrggbb.",
)
max_pixels = click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    default=179_000_000,
    show_default=True,
    help="Refuse larger pictures unread.",
)
max_bytes = click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    default=2 << 30,
    show_default=True,
    help="Refuse longer files, read no further than that.",
)
verify = click.option(
    "--verify", is_flag=True, help="Decode what was written, and compare it with the picture."
)
keep_smaller = click.option(
    "--keep-smaller",
    is_flag=True,
    help="Where the input has the codec's format and is no larger, keep its bytes.",
)
jobs = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=0),
    default=available_cores,
    help="Worker processes; 0 works in this one.  [default: one a core]",
)


def level(command: Command) -> Command:
    """Add an option for every unit of levels; the command gets one `level`."""

    @units
    @wraps(command)
    def wrapped(*args: Any, typed: dict[str, int], **rest: Any) -> Any:
        refuse_no_input(rest.get("chosen"))
        typed = typed or default_level(rest["codec"])
        if len(typed) != 1:
            raise UsageError(
                "give one of --qp N (34 is a good start), --quality N, --iterations N and --qf N"
            )
        return command(*args, level=level_of(typed), **rest)

    return wrapped


def units(command: Command) -> Command:
    """Add an option for every unit of levels; the command gets those given, `typed`, by unit."""

    @qp
    @quality
    @iterations
    @qf
    @wraps(command)
    def wrapped(*args: Any, **rest: Any) -> Any:
        from neurocodec.codecs.level import UNITS

        values = {unit: rest.pop(unit) for unit in UNITS}
        typed = {unit: value for unit, value in values.items() if value is not None}
        return command(*args, typed=typed, **rest)

    return wrapped


def refuse_no_input(chosen: "Selection | None") -> None:
    """Refuse a command line over files that names none, before anything else is wrong with it.

    Raises:
        UsageError: it names none.
    """
    if chosen is not None and not chosen.inputs and chosen.files_from is None:
        raise UsageError("INPUT is missing: name a file, a folder, - or --files-from LIST")


def default_level(codec: str) -> dict[str, int]:
    """The level of a codec that has one where none is typed, by unit."""
    from neurocodec import codecs, registry

    chosen = codecs.load(registry.parse(codec)[0])
    return {} if chosen.default_level is None else {chosen.unit: chosen.default_level}


def level_of(typed: dict[str, int]) -> "Level":
    """The level of the one unit that is given."""
    from neurocodec.codecs.level import Level

    return Level(*next(iter(typed.items())))


def filter_with_settings(command: Command) -> Command:
    """Add --filter, and options that are short for its settings; the command gets one `filter`."""

    @filter_
    @weights
    @_models
    @_task
    @wraps(command)
    def wrapped(
        *args: Any,
        filter: str,
        weights: str | None,
        models: tuple[str, ...],
        task: str | None,
        **rest: Any,
    ) -> Any:
        chosen = with_weights([filter], weights)[0]
        if models or task:
            from neurocodec.filters import with_recognisers

            chosen = with_recognisers(chosen, models, task)
        return command(*args, filter=chosen, **rest)

    return wrapped


def with_weights(filters: Sequence[str], weights: str | None) -> Sequence[str]:
    """The filters, the trained ones with the weights that --weights names.

    Raises:
        UsageError: there is no trained filter among them, or one has weights already.
    """
    if weights is None:
        return filters
    from neurocodec.filters import with_weights

    return with_weights(filters, weights)


def verbosity(command: Command) -> Command:
    """Add -q and -v; they take effect before the command's body runs."""

    @click.option("-q", "--quiet", is_flag=True, help="Errors only on stderr.")
    @click.option(
        "-v", "--verbose", count=True, help="Show the programs run; -vv their output too."
    )
    @wraps(command)
    def wrapped(*args: Any, quiet: bool, verbose: int, **rest: Any) -> Any:
        console.set_up(-1 if quiet else verbose)
        return command(*args, **rest)

    return wrapped
