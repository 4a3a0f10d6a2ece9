"""What the training commands have in common: their options, and what they print."""

import math
import os
import shlex
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neurocodec.batch.engines import local as workers
from neurocodec.cli import console, options
from neurocodec.errors import UsageError

if TYPE_CHECKING:
    from neurocodec.training.config import Config
    from neurocodec.training.state import Progress

Options = Callable[[options.Command], options.Command]

_POSITIVE = click.FloatRange(min=0, min_open=True)

_SHARED = (
    click.option(
        "--data",
        required=True,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="A folder of pictures.",
    ),
    click.option(
        "-o",
        "--output",
        required=True,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="For weights, state and log.",
    ),
    click.option("--max-steps", type=click.IntRange(min=1), help="Over all runs together."),
    click.option("--max-minutes", type=_POSITIVE, help="Over all runs together."),
    click.option(
        "--batch",
        type=click.IntRange(min=1),
        default=8,
        show_default=True,
        help="Pictures a step, shared by the processes of torchrun.",
    ),
    click.option(
        "--micro-batch",
        type=click.IntRange(min=1),
        default=4,
        show_default=True,
        help="Pictures that go to the codec together.",
    ),
    click.option(
        "--size",
        type=click.IntRange(min=32),
        default=224,
        show_default=True,
        help="Of a crop's side, in pixels.",
    ),
    click.option(
        "--soften",
        type=click.FloatRange(0, 10),
        default=0.0,
        show_default=True,
        metavar="SIGMA",
        help="Blur crops at random, at most so much: pictures differ in sharpness.",
    ),
    click.option(
        "--learning-rate", type=_POSITIVE, default=1e-4, show_default=True, help="Of Adam at first."
    ),
    click.option(
        "--last-learning-rate", type=_POSITIVE, help="At the end.  [default: a tenth of the first]"
    ),
    click.option(
        "--average",
        type=click.FloatRange(0, 1, max_open=True),
        default=0.0,
        show_default=True,
        help="Decay of the mean of the weights that is saved.",
    ),
    click.option(
        "--validation",
        type=click.IntRange(min=0),
        show_default="32, at most a quarter",
        help="Pictures kept apart from training.",
    ),
    click.option(
        "--validate-every",
        type=click.IntRange(min=0),
        default=0,
        metavar="STEPS",
        show_default="never",
        help="Measure a BD-rate on them.",
    ),
    click.option(
        "--save-every",
        type=click.IntRange(min=1),
        default=100,
        show_default=True,
        metavar="STEPS",
        help="Save weights and state.",
    ),
    click.option(
        "-j",
        "--jobs",
        type=click.IntRange(min=0),
        default=lambda: max(1, workers.available_cores() // _local_processes()),
        help="Processes that encode and decode.  [default: one a core, shared out by torchrun]",
    ),
    click.option("--threads", type=click.IntRange(min=1), help="That the networks compute in."),
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Of weights, crops and QPs.",
    ),
    click.option("--amp", is_flag=True, help="Compute in bfloat16 where that serves."),
    click.option(
        "--compile",
        is_flag=True,
        help="Let torch compile the network that learns: it needs a C++ compiler.",
    ),
    click.option(
        "--resume", is_flag=True, help="Go on with the training in DIR, given the same options."
    ),
    click.option(
        "--log-dir", type=click.Path(path_type=Path), metavar="DIR", help="For TensorBoard."
    ),
    options.device,
    options.verbosity,
)


def finite(context: click.Context, parameter: click.Parameter, value: float) -> float:
    """A callback for a number that may be as large as it likes but has to be one.

    Raises:
        UsageError: it is infinite or none.
    """
    if not math.isfinite(value):
        raise UsageError(f"{parameter.opts[0]} is a number of at least 0, not {value}")
    return value


def _qps(context: click.Context, parameter: click.Parameter, text: str) -> list[int]:
    """The QPs that "22-45", "28,31,34" or "22-45,34-41" says, as often as it does.

    Raises:
        UsageError: it says none.
    """
    try:
        found = [qp for part in text.split(",") for qp in _range(part)]
    except ValueError:
        found = []
    if not found or not set(found) <= set(range(52)):
        raise UsageError(f"cannot read the QPs {text!r}: write 22-45 or 28,31,34, within 0 to 51")
    return found


def _range(text: str) -> range:
    first, dash, last = text.partition("-")
    return range(int(first), int(last if dash else first) + 1)


qps = click.option(
    "--qp",
    "qps",
    default="22-45",
    show_default=True,
    callback=_qps,
    metavar="N-N|N,N,…",
    help="To train for, on BPG's scale; what is named twice (22-45,34-41) is drawn twice as often.",
)
models = click.option(
    "--model",
    "models",
    required=True,
    multiple=True,
    metavar="NAME|FILE",
    help="The recogniser; give several for one filter for all of them.",
)


def start(help_text: str) -> Options:
    """The option `--from`."""
    return click.option(
        "--from",
        "start",
        metavar="NAME|FILE",
        help=help_text,
    )


task = click.option(
    "--task",
    type=click.Choice(["classification", "detection"]),
    default="classification",
    show_default=True,
    help="What the recognisers are for.",
)
loss = click.option(
    "--loss",
    metavar="kl|answer|labels|features[:gamma=N:layer=NAME]|kl+features",
    help="How far a decoded picture's answer is off: from the clean picture's (kl for classifiers, "
    "answer for detectors), from the labels in --data, or by the classifier's features.  "
    "[default: kl, for detection answer]",
)


def shared(command: options.Command) -> options.Command:
    """Add the options of every training; the command gets them as one `config`."""

    @wraps(command)
    def wrapped(**given: Any) -> Any:
        config, rest = _config(given)
        from neurocodec.training.start import started

        with started(config):
            return command(config=config, **rest)

    decorated: options.Command = wrapped
    for option in reversed(_SHARED):
        decorated = option(decorated)
    return decorated


def _config(given: dict[str, Any]) -> tuple["Config", dict[str, Any]]:
    from dataclasses import fields

    from neurocodec.training.config import Config

    if given["max_steps"] is None and given["max_minutes"] is None:
        raise UsageError("say how long: --max-steps N or --max-minutes N")
    threads = given.pop("threads")
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    if given["last_learning_rate"] is None:
        given["last_learning_rate"] = given["learning_rate"] / 10
    own = {field.name: given.pop(field.name) for field in fields(Config) if field.name in given}
    return Config(**own, command=shlex.join(["neurocodec", *sys.argv[1:]])), given


def _local_processes() -> int:
    """How many processes torchrun started on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def done(weights: Path, progress: "Progress") -> None:
    """Print what came of a training."""
    say(f"{weights}  {progress.steps} steps  {progress.minutes:.1f} min")


def say(text: str) -> None:
    """Print a line of the result; of several processes that train the first one does."""
    from neurocodec.training import distributed

    if distributed.is_first():
        click.echo(text)


def report(record: dict[str, float]) -> None:
    """Say on standard error how a training goes: every hundredth step, and every validation."""
    if record["step"] % 100 == 0 or "loss" not in record:
        console.note("  ".join(f"{key} {value:.4g}" for key, value in record.items()))
