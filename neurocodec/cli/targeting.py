"""The options of a target in place of a level, and what a command does with one."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from neurocodec.batch.engines.local import Outcome
from neurocodec.batch.plan import Job
from neurocodec.batch.records import EncodeRecord
from neurocodec.cli import console, options
from neurocodec.errors import UsageError
from neurocodec.files import display

if TYPE_CHECKING:
    from neurocodec.batch.engines.engine import Workers
    from neurocodec.batch.handling import Handling
    from neurocodec.batch.targets import Target
    from neurocodec.pipeline import Pipeline, Setting

_TARGETS = ("target_bpp", "target_size", "target_score")
_UNITS = {"k": 1024, "M": 1024**2}

_bpp = click.option(
    "--target-bpp", "--bpp", metavar="B", help="The most bits within B bits per pixel."
)
_size = click.option(
    "--target-size", metavar="BYTES|20k|1.5M", help="The largest file of at most that size."
)
_score = click.option(
    "--target-score",
    metavar="0.95|kl:0.3",
    help="The fewest bits at which --model agrees that much with its predictions on the original, "
    "or its KL divergence from them is at most that many nats.",
)
_per = click.option(
    "--per",
    type=click.Choice(["picture", "folder"]),
    help="Each picture reaches the target by itself, or all at one level in the mean.  "
    "[default: picture]",
)
_strict = click.option(
    "--strict", is_flag=True, help="A target that no level reaches is an error, not a note."
)
cache = click.option(
    "--cache/--no-cache", default=True, help="Keep files coded on the way for the next run."
)


@dataclass(frozen=True)
class Aim:
    """A target and how it is to be reached, as typed."""

    target: "Target"
    per_folder: bool
    strict: bool
    cache: bool

    def encode(
        self,
        planned: Sequence[Job],
        setting: "Setting",
        workers: "Workers",
        handling: "Handling",
    ) -> Iterator[Outcome[Job, EncodeRecord]]:
        """Encode every job's source to its target file; outcomes come in the jobs' order.

        Args:
            planned: the jobs.
            setting: codec and filter.
            workers: that do it.
            handling: of the files.

        Raises:
            UsageError: a recogniser is of another task, or of no known name.
            MissingError: a recogniser's weights are not there.
        """
        from neurocodec.batch import scoring, targeted
        from neurocodec.pipeline import prepared

        if planned and not self.target.is_rate:
            scoring.panel(self.target, setting.device)
        work = targeted.Work(
            setting,
            self.target,
            together=self.per_folder,
            strict=self.strict,
            cache=self.cache,
            workers=workers,
            handling=handling,
        )
        return self._noted(targeted.encode(planned, work), prepared(setting))

    @property
    def settings(self) -> dict[str, Any]:
        """What is asked, in plain values."""
        target = self.target
        return {
            "quantity": target.quantity,
            "value": target.value,
            "models": list(target.models),
            "task": target.task,
            "per_folder": self.per_folder,
            "strict": self.strict,
        }

    def _noted(
        self, outcomes: Iterator[Outcome[Job, EncodeRecord]], pipeline: "Pipeline"
    ) -> Iterator[Outcome[Job, EncodeRecord]]:
        """The outcomes, each thing that a user may not expect of a level noted once."""
        from neurocodec.codecs import Level

        noted: set[str] = set()
        for outcome in outcomes:
            yield outcome
            record = outcome.result
            if record is None or record.target is None:
                continue
            ((unit, value),) = record.level.items()
            level = Level(unit, value)
            missed = "" if record.target.met else record.target.miss(level)
            if missed and not self.per_folder:
                missed = f"{display(record.input)}: {missed}"
            for text in (pipeline.identity(level), missed):
                if text and text not in noted:
                    console.note(text)
                noted.add(text)


def level_or_target(command: options.Command) -> options.Command:
    """Add the levels and the targets; the command gets `level` and `aim`, one of them None.

    Stands before `filter_with_settings`: --model and --task are those of a target score, and of a
    search that names no recognisers.
    """

    @options.units
    @_bpp
    @_size
    @_score
    @_per
    @_strict
    @cache
    @wraps(command)
    def wrapped(
        *args: Any,
        typed: dict[str, int],
        per: str | None,
        strict: bool,
        cache: bool,
        filter: str,
        **rest: Any,
    ) -> Any:
        options.refuse_no_input(rest["chosen"])
        values = {name: rest.pop(name) for name in _TARGETS}
        given = {name: value for name, value in values.items() if value is not None}
        if not given and not typed:
            typed = options.default_level(rest["codec"])
        if len(given) + len(typed) != 1:
            raise UsageError(
                "give one of --qp N (34 is a good start), --quality N, --iterations N, --qf N, "
                "--target-bpp B, --target-size BYTES and --target-score 0.95"
            )
        if typed:
            if strict or per or not cache:
                raise UsageError(
                    "--strict, --per and --no-cache are for --target-bpp, -size and -score"
                )
            level = options.level_of(typed)
            return command(*args, level=level, aim=None, filter=filter, **rest)
        ((name, text),) = given.items()
        target = _target(name, text, rest["models"], rest["task"])
        if not target.is_rate:
            filter = with_recognisers(filter, target)
            rest |= {"models": (), "task": None}
        aim = Aim(target, per == "folder", strict, cache)
        return command(*args, level=None, aim=aim, filter=filter, **rest)

    return wrapped


def with_recognisers(filter: str, target: "Target") -> str:
    """The filter; a search that names no recognisers gets those of the target score."""
    from neurocodec import filters, registry

    name, settings = registry.parse(filter)
    if name != "search" or settings.keys() & {"model", "task"}:
        return filter
    return filters.with_recognisers(filter, target.models, target.task)


def _target(name: str, text: str, models: tuple[str, ...], task: str | None) -> "Target":
    from neurocodec.batch import targets

    if name == "target_bpp":
        return targets.Target(targets.BPP, _number(text, "--target-bpp", "bits per pixel, as 0.5"))
    if name == "target_size":
        return targets.Target(targets.SIZE, _bytes(text))
    return score_target(text, models, task or "classification")


def score_target(text: str, models: tuple[str, ...], task: str) -> "Target":
    """The target of a score like "0.95" or "kl:0.3".

    Raises:
        UsageError: it is neither, no recogniser is named, or the task has no such score.
    """
    from neurocodec.batch import scoring, targets

    target = targets.Target(*_score_of(text), models, task)
    scoring.check(target)
    return target


def _score_of(text: str) -> tuple[str, float]:
    quantity, _, number = text.rpartition(":")
    form = "an agreement of at most 1, as 0.95, or a divergence in nats, as kl:0.3"
    value = _number(number, "a target score", form)
    if quantity not in {"", "agreement", "kl"} or (quantity != "kl" and value > 1):
        raise UsageError(f"a target score is {form}, not {text!r}")
    return quantity or "agreement", value


def _bytes(text: str) -> int:
    unit = _UNITS.get(text[-1:], 1)
    form = "a number of bytes, as 20480, 20k or 1.5M"
    size = int(unit * _number(text[:-1] if unit > 1 else text, "--target-size", form))
    if size < 1:
        raise UsageError(f"--target-size is {form}, not {text!r}")
    return size


def _number(text: str, option: str, form: str) -> float:
    """The number above 0 in a text."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UsageError(f"{option} is {form}, not {text!r}")
    return value
