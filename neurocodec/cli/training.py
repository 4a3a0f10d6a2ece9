"""The training commands' shared options."""

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
from neurocodec.cli import options
from neurocodec.cli.training_report import TerminalReport
from neurocodec.errors import UsageError
from neurocodec.training import recipes
from neurocodec.training.config import Recognition

if TYPE_CHECKING:
    from neurocodec.training.config import Config

Options = Callable[[options.Command], options.Command]

POSITIVE = click.FloatRange(min=0, min_open=True)
NOT_NEGATIVE = click.FloatRange(min=0)
COUNT = click.IntRange(min=1)
_COUNT_OR_0 = click.IntRange(min=0)
_PATH = click.Path(path_type=Path)


def option(names: str, kind: Any, text: str, **more: Any) -> Options:
    """An option of these names, separated by blanks, whose help shows its default."""
    return click.option(*names.split(), type=kind, help=text, **{"show_default": True, **more})


def choice(names: str, values: list[str], text: str, **more: Any) -> Options:
    """An option with these values."""
    return option(names, click.Choice(values), text, **more)


def flag(names: str, text: str, **more: Any) -> Options:
    """An option without a value."""
    return click.option(*names.split(), is_flag=True, help=text, **more)


def _use_recipe(context: click.Context, parameter: click.Parameter, named: str | None) -> None:
    """Let a recipe's options be the defaults of this command line.

    Raises:
        UsageError: no such recipe, it is for another command, or has an option that it lacks.
    """
    if named is None:
        return
    command = context.command
    by_name = {name.lstrip("-"): one.name for one in command.params for name in one.opts}
    defaults: dict[str, Any] = {}
    for key, value in recipes.options_of(named, command.name or "").items():
        name = by_name.get(key)
        if name is None:
            raise UsageError(f"recipe {named}: {command.name} has no option --{key}")
        defaults[name] = value
    context.default_map = defaults


def _available_jobs() -> int:
    """A process a core, shared out among the processes that torchrun started on this machine."""
    return max(1, workers.available_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


_SHARED = (
    click.option(
        "--recipe",
        metavar="NAME[:STAGE]|FILE",
        is_eager=True,
        expose_value=False,
        callback=_use_recipe,
        help="Options from weights/recipes; options typed here win.",
    ),
    option("--data", _PATH, "Folder of pictures.", required=True, metavar="DIR"),
    option(
        "-o --output", _PATH, "Folder for weights, state and log.", required=True, metavar="DIR"
    ),
    option("--max-steps", COUNT, "Stop after this many steps, counting resumed runs."),
    option("--max-minutes", POSITIVE, "Stop after this many minutes, counting resumed runs."),
    option("--batch", COUNT, "Pictures a step, shared by the processes of torchrun.", default=8),
    option("--micro-batch", COUNT, "Pictures in codec and networks at a time.", default=4),
    option("--size", click.IntRange(min=32), "Side of a crop, in pixels.", default=224),
    option(
        "--blur-augmentation --soften",
        click.FloatRange(0, 10),
        "Blur crops by a random sigma up to this one, in pixels.",
        default=0.0,
        metavar="SIGMA",
    ),
    option("--learning-rate", POSITIVE, "Adam's initial learning rate.", default=1e-4),
    option(
        "--last-learning-rate",
        POSITIVE,
        "Adam's final learning rate.",
        show_default="a tenth of the initial one",
    ),
    option(
        "--ema --average",
        click.FloatRange(0, 1, max_open=True),
        "Decay of the exponential moving average of the weights, which is saved.",
        default=0.0,
    ),
    option(
        "--validation",
        _COUNT_OR_0,
        "Pictures kept apart from training, for the BD-rate at the end.",
        show_default="32, at most a quarter",
    ),
    option(
        "--validate-every",
        _COUNT_OR_0,
        "Measure a BD-rate on them meanwhile.",
        default=0,
        metavar="STEPS",
        show_default="at the end only",
    ),
    option("--save-every", COUNT, "Save weights and state.", default=100, metavar="STEPS"),
    option(
        "-j --jobs",
        _COUNT_OR_0,
        "Processes that encode and decode.",
        default=_available_jobs,
        show_default="one a core, shared out by torchrun",
    ),
    option("--threads", COUNT, "CPU threads for the networks."),
    option("--seed", _COUNT_OR_0, "Seed of weights, crops and QPs.", default=0),
    flag("--amp", "Compute in bfloat16; off on a processor without bfloat16 instructions."),
    flag("--compile", "Compile the network by torch: needs a C++ compiler."),
    flag("--resume", "Go on with the training in DIR; same options."),
    option("--log-dir", _PATH, "Folder for TensorBoard's log.", metavar="DIR"),
    options.device,
    options.verbosity,
)


def finite(context: click.Context, parameter: click.Parameter, value: float) -> float:
    """Refuse infinity and NaN: a callback."""
    if not math.isfinite(value):
        raise UsageError(f"{parameter.opts[0]} is a number of at least 0, not {value}")
    return value


def _qps(context: click.Context, parameter: click.Parameter, text: str) -> list[int]:
    """The QPs of "22-45", "28,31,34" or "22-45,34-41", each as often as it is named."""
    try:
        named = [qp for part in text.split(",") for qp in _range(part)]
    except ValueError:
        named = []
    if not named or not set(named) <= set(range(52)):
        raise UsageError(f"cannot read the QPs {text!r}: write 22-45 or 28,31,34, within 0 to 51")
    return named


def _range(text: str) -> range:
    first, dash, last = text.partition("-")
    return range(int(first), int(last if dash else first) + 1)


qps = option(
    "--qp qps",
    str,
    "QPs to train for, on BPG's scale; one named twice (22-45,34-41) is drawn twice as often.",
    default="22-45",
    callback=_qps,
    metavar="N-N|N,N,…",
)


def recognition(command: options.Command) -> options.Command:
    """Add --model, --task and --loss; the command gets them as one `recognition`."""

    @option(
        "--model models",
        str,
        "Recogniser; name several to train one filter for all of them.",
        required=True,
        multiple=True,
        metavar="NAME|FILE",
    )
    @choice(
        "--task", ["classification", "detection"], "Recognisers' task.", default="classification"
    )
    @option(
        "--loss",
        str,
        "Loss of a decoded picture: against the prediction on the clean picture (kl for "
        "classifiers, prediction for detectors), against the labels in --data, or between the "
        "classifier's features.",
        metavar="kl|prediction|labels|features[:gamma=N:layer=NAME]|kl+features",
        show_default="kl, for detection prediction",
    )
    @wraps(command)
    def wrapped(models: tuple[str, ...], task: str, loss: str | None, **rest: Any) -> Any:
        return command(recognition=Recognition(models, task, loss), **rest)

    return wrapped


def shared(command: options.Command) -> options.Command:
    """Add the options of every training; the command gets them as `config`, and a `report`."""

    @wraps(command)
    def wrapped(**values: Any) -> Any:
        with TerminalReport() as report:
            report.status("starting")
            config, rest = _config(values)
            from neurocodec.training.start import started

            with started(config):
                return command(config=config, report=report, **rest)

    decorated: options.Command = wrapped
    for one in reversed(_SHARED):
        decorated = one(decorated)
    return decorated


def _config(values: dict[str, Any]) -> tuple["Config", dict[str, Any]]:
    from dataclasses import fields

    from neurocodec.training.config import Config

    if values["max_steps"] is None and values["max_minutes"] is None:
        raise UsageError("say how long: --max-steps N or --max-minutes N")
    threads = values.pop("threads")
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    if values["last_learning_rate"] is None:
        values["last_learning_rate"] = values["learning_rate"] / 10
    names = {one.name for one in fields(Config)} & values.keys()
    settings = {name: values.pop(name) for name in names}
    return Config(**settings, command=shlex.join(["neurocodec", *sys.argv[1:]])), values
