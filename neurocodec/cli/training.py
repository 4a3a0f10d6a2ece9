"""The training commands' shared options, and their messages."""

import math
import os
import shlex
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neurocodec.batch.engines.local import available_cores
from neurocodec.cli import options
from neurocodec.cli.training_report import TerminalReport
from neurocodec.errors import UsageError
from neurocodec.training import recipes

if TYPE_CHECKING:
    from neurocodec.training.config import Config
    from neurocodec.training.loop import Trained

Options = Callable[[options.Command], options.Command]

_POSITIVE = click.FloatRange(min=0, min_open=True)


def _use_recipe(context: click.Context, parameter: click.Parameter, named: str | None) -> None:
    """Let a recipe's options be the defaults of this command line.

    Raises:
        UsageError: no such recipe, it is for another command, has an option that the command lacks,
            or a flag that is neither true nor false.
    """
    if named is None:
        return
    command = context.command
    options = {
        name: one
        for one in command.params
        for name in (*one.opts, *one.secondary_opts)
        if isinstance(one, click.Option) and name.startswith("--")
    }
    defaults: dict[str, Any] = {}
    for key, value in recipes.options_of(named, command.name or "").items():
        option = options.get(f"--{key}")
        if option is None:
            raise UsageError(f"recipe {named}: {command.name} has no option --{key}")
        if option.is_flag and not isinstance(value, bool):
            raise UsageError(f"recipe {named}: {key} is a flag: write {key} = true or false")
        is_negated = f"--{key}" in option.secondary_opts
        defaults[str(option.name)] = not value if is_negated else value
    context.default_map = defaults


def _folder(*names: str, **settings: Any) -> Options:
    return click.option(*names, type=click.Path(path_type=Path), metavar="DIR", **settings)


_SHARED = (
    click.option(
        "--recipe",
        metavar="NAME[:STAGE]|FILE",
        is_eager=True,
        expose_value=False,
        callback=_use_recipe,
        help="Options from weights/recipes; options typed here win.",
    ),
    _folder("--data", required=True, help="Folder of pictures."),
    _folder("-o", "--output", required=True, help="Folder for weights, state and log."),
    options.count("--max-steps", "Stop after this many steps, counting resumed runs."),
    options.option(
        "--max-minutes",
        type=_POSITIVE,
        help="Stop after this many minutes of steps, counting resumed runs. Measuring λ before and "
        "the BD-rate after come on top.",
    ),
    options.count("--batch", "Pictures a step, shared by the processes of torchrun.", default=8),
    options.count(
        "--micro-batch", "Pictures that go through codec and networks together.", default=4
    ),
    options.count("--size", "Side of a crop, in pixels.", least=32, default=224),
    options.option(
        "--blur-augmentation",
        "--soften",
        type=click.FloatRange(0, 10),
        default=0.0,
        metavar="SIGMA",
        help="Blur crops by a random sigma up to this one, in pixels.",
    ),
    options.option(
        "--learning-rate", type=_POSITIVE, default=1e-4, help="Adam's initial learning rate."
    ),
    options.option(
        "--last-learning-rate",
        type=_POSITIVE,
        help="Adam's final learning rate.  [default: a tenth of the initial one]",
    ),
    options.option(
        "--ema",
        "--average",
        type=click.FloatRange(0, 1, max_open=True),
        default=0.0,
        help="Decay of the exponential moving average of the weights, which is saved.",
    ),
    options.count(
        "--validation",
        "Pictures kept apart from training, to measure on at the end.  "
        "[default: 32, at most a quarter]",
        least=0,
    ),
    options.count(
        "--validate-every",
        "Measure on them meanwhile; 0 measures at the end only.",
        least=0,
        default=0,
        metavar="STEPS",
    ),
    options.count("--save-every", "Save weights and state.", default=100, metavar="STEPS"),
    click.option(
        "-j",
        "--jobs",
        type=click.IntRange(min=0),
        default=lambda: max(1, available_cores() // _local_processes()),
        help="Worker processes that encode and decode; 0 works in this one.  "
        "[default: one a core, shared out by torchrun]",
    ),
    options.count("--threads", "CPU threads for the networks."),
    options.count("--seed", "Seed of weights, crops and QPs.", least=0, default=0),
    click.option(
        "--amp",
        is_flag=True,
        help="Compute in bfloat16; off on a processor without bfloat16 instructions.",
    ),
    click.option(
        "--compile", is_flag=True, help="Compile the network by torch: needs a C++ compiler."
    ),
    click.option("--resume", is_flag=True, help="Go on with the training in DIR; same options."),
    _folder("--log-dir", help="Folder for TensorBoard's log."),
    options.device,
    options.verbosity,
)


def defaults(**values: Any) -> Options:
    """Other defaults for options of `shared`, by name; stands before it."""

    def decorated(command: options.Command) -> options.Command:
        for option in getattr(command, "__click_params__", ()):
            option.default = values.get(option.name, option.default)
        return command

    return decorated


def finite(context: click.Context, parameter: click.Parameter, value: float) -> float:
    """Refuse infinity and NaN: a callback.

    Raises:
        UsageError: the value is one of them.
    """
    if not math.isfinite(value):
        raise UsageError(f"{parameter.opts[0]} is a number of at least 0, not {value}")
    return value


def _qps(context: click.Context, parameter: click.Parameter, text: str) -> list[int]:
    """The QPs of "22-45", "28,31,34" or "22-45,34-41", each as often as it is named.

    Raises:
        UsageError: the text cannot be read.
    """
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


qps = click.option(
    "--qp",
    "qps",
    default="22-45",
    show_default=True,
    callback=_qps,
    metavar="N-N|N,N,…",
    help="QPs to train for, on BPG's scale; one named twice (22-45,34-41) is drawn twice as often.",
)


def start(help_text: str) -> Options:
    """Add the option `--from`."""
    return click.option("--from", "start", metavar="NAME|FILE", help=help_text)


def recognition(command: options.Command) -> options.Command:
    """Add --model, --task and --loss; the command gets them as one `recognition`."""

    @click.option(
        "--model",
        "models",
        required=True,
        multiple=True,
        metavar="NAME|FILE",
        help="Recogniser; name several to train one filter for all of them.",
    )
    @click.option(
        "--task",
        type=click.Choice(["classification", "detection", "segmentation", "pose"]),
        default="classification",
        show_default=True,
        help="Task of the recognisers.",
    )
    @click.option(
        "--loss",
        metavar="kl[:temperature=T]|prediction|labels|features[:gamma=N:layer=NAME]|kl+features",
        help="Loss of a decoded picture: against the prediction on the clean picture (kl for "
        "classifiers, prediction for other tasks), against the labels in --data (classifiers and "
        "detectors), or between the classifier's features.  [default: kl, else prediction]",
    )
    @wraps(command)
    def wrapped(models: tuple[str, ...], task: str, loss: str | None, **rest: Any) -> Any:
        from neurocodec.losses import Recognition

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
    for option in reversed(_SHARED):
        decorated = option(decorated)
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


def _local_processes() -> int:
    """Processes that torchrun started on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def done(trained: "Trained") -> None:
    """Print the result of a training."""
    progress = trained.progress
    say(f"{trained.weights}  {progress.steps} steps  {progress.minutes:.1f} min")
    for remark in trained.scores.remarks:
        say(remark)


def say(text: str) -> None:
    """Print a line of the result; of several processes that train the first one does."""
    from neurocodec.training import distributed

    if distributed.is_first():
        click.echo(text)
