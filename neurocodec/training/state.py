"""The state of a training: what it consists of, how it is saved and resumed."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, asdict, dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from neurocodec import __version__, files
from neurocodec.errors import BadInputError, UsageError
from neurocodec.networks import checkpoint
from neurocodec.training.config import Config
from neurocodec.training.report import Record
from neurocodec.training.validation import Scores

STATE = "state.safetensors"
_FIRST_STEPS = 10  # the EMA forgets faster at first, so that the random start does not linger

Batch = TypeVar("Batch", contravariant=True)


class Algorithm(Protocol[Batch]):
    """A paper's training step: a dataclass.

    `gradients` calls `network(…)` and reaches each of its parameters in every backward pass, since
    several processes train with a stand-in that shares them.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def network(self) -> nn.Module:
        """The network that learns."""

    @property
    def kind(self) -> str:
        """A key of checkpoint.NETWORKS."""

    def gradients(self, batch: Batch, step: int, /) -> Record:
        """Add the gradients of a batch to the network's, and return what was measured."""

    def validate(self, network: nn.Module) -> Scores:
        """Score `network` on the pictures kept apart."""

    def describe(self) -> dict[str, Any]:
        """Describe the training's aim for the weights file: codec, QPs, recognisers …"""


def per_picture(sums: Sequence[Record], count: int) -> Record:
    """The mean over `count` pictures of what micro-batches summed."""
    return {key: sum(one[key] for one in sums) / count for key in sums[0]}


class Progress:
    """Steps and minutes of a training, over all its runs."""

    def __init__(self, config: Config, steps: int = 0, minutes: float = 0.0) -> None:
        self._config = config
        self._before_min = minutes
        self._start: float | None = time.monotonic()
        self.steps = steps
        self._start_share = self.share

    @property
    def minutes(self) -> float:
        """Minutes of all runs together."""
        if self._start is None:
            return self._before_min
        return self._before_min + (time.monotonic() - self._start) / 60

    def stop(self) -> None:
        """Stop the clock: the training is over."""
        self._before_min, self._start = self.minutes, None

    @property
    def share(self) -> float:
        """Share of the training that is done, 0 to 1; 0 where nothing limits it."""
        by_steps = self.steps / self._config.max_steps if self._config.max_steps else 0.0
        limit_min = self._config.max_minutes
        return min(1.0, max(by_steps, self.minutes / limit_min if limit_min else 0.0))

    @property
    def minutes_left(self) -> float:
        """Minutes to the end, by this run's speed so far."""
        done = self.share - self._start_share
        run_min = 0.0 if self._start is None else (time.monotonic() - self._start) / 60
        return run_min * (1 - self.share) / done if done > 0 else 0.0


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """The EMA of a network's weights and statistics; with decay 0 the weights themselves."""

    def update(ema: Sequence[Tensor], current: Sequence[Tensor], count: Any) -> None:
        steps = int(count) + 1
        weight = 1 - min(decay, steps / (_FIRST_STEPS + steps))
        for mean, value in zip(ema, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, weight)
            else:
                mean.copy_(value)

    update_all: Callable[..., None] = torch.no_grad()(update)
    ema = AveragedModel(network, multi_avg_fn=update_all, use_buffers=True)
    return ema.eval().requires_grad_(False)


@dataclass(frozen=True, eq=False)
class State:
    """Everything that a training changes; `ema.module` is what is saved as the weights."""

    algorithm: Algorithm[Any]
    optimiser: torch.optim.Optimizer
    ema: AveragedModel
    progress: Progress
    config: Config

    @property
    def weights(self) -> str:
        """Path of the weights file."""
        return str(self.config.output / f"{self.algorithm.kind}.safetensors")

    def save(self) -> None:
        """Write the state and the weights, each in one step."""
        files.make_folder(self.config.output)
        described = self.algorithm.describe()
        steps, minutes = self.progress.steps, self.progress.minutes
        where = {"steps": str(steps), "minutes": repr(minutes), "aim": json.dumps(described)}
        data = checkpoint.tensors_file(dict(self._tensors()), where)
        files.write(str(self.config.output / STATE), data)
        record = {
            **described,
            "neurocodec": __version__,
            "steps": steps,
            "minutes": round(minutes, 1),
            "config": {key: _plain(value) for key, value in asdict(self.config).items()},
        }
        # What follows from a network's weights, as SPIC's counts do from its density.
        complete = getattr(self.ema.module, "complete", None)
        if complete is not None:
            complete()
        data = checkpoint.dump(self.ema.module, self.algorithm.kind, record)
        files.write(self.weights, data)

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over saved tensors; raises KeyError or RuntimeError where they do not fit."""
        # The optimiser has its tensors only after a step: take one that changes nothing.
        for group in self.optimiser.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.zeros_like(parameter)
            group["lr"] = 0.0
        self.optimiser.step()
        for name, tensor in self._tensors():
            tensor.data.copy_(tensors[name])

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor of the state, under its name in the file."""
        for prefix, module in (("network", self.algorithm.network), ("ema", self.ema)):
            for name, tensor in module.state_dict().items():
                yield f"{prefix}.{name}", tensor
        for place, parameter in enumerate(self.algorithm.network.parameters()):
            for name, tensor in self.optimiser.state[parameter].items():
                yield f"optimiser.{place}.{name}", tensor


def refuse_overwriting(config: Config) -> None:
    """Raise UsageError if the folder has a training and `resume` is off."""
    if not config.resume and (config.output / STATE).exists():
        name = files.display(config.output)
        raise UsageError(f"{name} holds a training: add --resume, or name another folder")


def aim(config: Config) -> dict[str, Any]:
    """The aim of the training to resume, as its algorithm described it; empty for a new one."""
    path = config.output / STATE
    if not config.resume or not path.exists():
        return {}
    try:
        where = checkpoint.read_tensors(files.read(str(path)), files.display(path))[1]
        return dict(json.loads(where["aim"]))
    except (KeyError, ValueError, TypeError) as exc:
        raise BadInputError(f"{files.display(path)}: not of this training ({exc!r})") from exc


def begin(algorithm: Algorithm[Any], config: Config) -> State:
    """The state at the beginning, or that of the training to resume.

    Raises:
        UsageError: the folder holds a training and `resume` is off, or it is on and there is none,
            or that one had another aim.
        BadInputError: the state is damaged, or of another network.
    """
    refuse_overwriting(config)
    network = algorithm.network
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = torch.optim.Adam(learning, lr=config.learning_rate)
    ema = averaged(network, config.ema)
    if not config.resume:
        return State(algorithm, optimiser, ema, Progress(config), config)
    path = config.output / STATE
    if not path.exists():
        name = files.display(config.output)
        raise UsageError(f"{name} holds no training to resume")
    tensors, where = checkpoint.read_tensors(files.read(str(path)), files.display(path))
    try:
        _refuse_another_aim(aim(config), algorithm.describe(), config)
        progress = Progress(config, int(where["steps"]), float(where["minutes"]))
        state = State(algorithm, optimiser, ema, progress, config)
        state.restore(tensors)
    except (KeyError, RuntimeError, ValueError) as exc:
        reason = " ".join(str(exc).split())[:200]
        raise BadInputError(f"{files.display(path)}: not of this training ({reason})") from exc
    return state


def _refuse_another_aim(before: dict[str, Any], after: dict[str, Any], config: Config) -> None:
    """Recognisers, loss, codec, QPs … stay as they were; an encoder may be newer."""
    now = json.loads(json.dumps(after))
    changed = [key for key in before if key != "encoder" and before[key] != now.get(key)]
    if changed:
        name = files.display(config.output)
        aims = ", ".join(f"{key} {before[key]}, not {now.get(key)}" for key in changed)
        raise UsageError(f"{name} was trained with {aims}: give the same options")


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float | str) else str(value)
