"""Where a training stands: what it is made of, its mean of the weights, saving and resuming."""

import copy
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from neurocodec import __version__, files
from neurocodec.errors import BadInputError, UsageError
from neurocodec.networks import checkpoint
from neurocodec.training.config import Config

STATE = "state.safetensors"
_FIRST_STEPS = 10  # the mean forgets faster at first, so that the random start does not linger

Record = dict[str, float]
Batch = TypeVar("Batch", contravariant=True)


class Algorithm(Protocol[Batch]):
    """What a paper does in one step, and what it leaves behind.

    Attributes:
        network: that learns. `gradients` calls it, `network(…)`, and reaches each of its parameters
            in every backward pass: several processes train with a stand-in that shares them.
        kind: its key in checkpoint.NETWORKS.
    """

    network: nn.Module
    kind: str

    def gradients(self, batch: Batch, step: int, /) -> Record:
        """Add the gradients of a batch to the network's, and say what was measured on the way."""

    def validate(self, network: nn.Module) -> Record:
        """Scores of `network` on pictures kept apart."""

    def made(self) -> dict[str, Any]:
        """What the weights file says beside the configuration: codec, QPs, recognisers …"""


def averaged(sums: Sequence[Record], count: int) -> Record:
    """What micro-batches summed over their pictures, a picture of all `count`."""
    return {key: sum(one[key] for one in sums) / count for key in sums[0]}


class Progress:
    """How far a training is: steps and minutes over all its runs."""

    def __init__(self, config: Config, steps: int = 0, minutes: float = 0.0) -> None:
        self._config = config
        self._before_min = minutes
        self._start: float | None = time.monotonic()
        self.steps = steps

    @property
    def minutes(self) -> float:
        """Of all runs together."""
        if self._start is None:
            return self._before_min
        return self._before_min + (time.monotonic() - self._start) / 60

    def stop(self) -> None:
        """The training is over: its minutes stay what they are."""
        self._before_min, self._start = self.minutes, None

    @property
    def share(self) -> float:
        """Of the whole training, 0 to 1; 0 where nothing limits it."""
        by_steps = self.steps / self._config.max_steps if self._config.max_steps else 0.0
        limit_min = self._config.max_minutes
        return min(1.0, max(by_steps, self.minutes / limit_min if limit_min else 0.0))


class Average:
    """The exponential mean of the weights over the steps; with decay 0 the weights themselves.

    Attributes:
        network: with the mean as its weights, in evaluation mode.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, steps: int) -> None:
        """Take in the weights after that many steps."""
        decay = min(self._decay, steps / (_FIRST_STEPS + steps))
        own = self.network.state_dict()
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                own[name].lerp_(value, 1 - decay)
            else:
                own[name].copy_(value)


def save(
    algorithm: Algorithm[Any],
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: Average,
    progress: Progress,
    config: Config,
) -> None:
    """Write the state and the weights, each in one step.

    Args:
        algorithm: what it says of itself goes with the weights.
        network: that learns.
        optimiser: of its parameters.
        average: what is saved as the weights.
        progress: how far it is.
        config: names the folder.

    Raises:
        OutputError: the folder cannot be written.
    """
    files.make_folder(config.output)
    tensors = dict(_named(network, optimiser, average))
    where = {"steps": str(progress.steps), "minutes": repr(progress.minutes)}
    where["aim"] = json.dumps(algorithm.made())
    files.write(str(config.output / STATE), checkpoint.tensors_file(tensors, where))
    made = {
        **algorithm.made(),
        "neurocodec": __version__,
        "steps": progress.steps,
        "minutes": round(progress.minutes, 1),
        "config": {key: _plain(value) for key, value in asdict(config).items()},
    }
    weights = checkpoint.dump(average.network, algorithm.kind, made)
    files.write(str(config.output / f"{algorithm.kind}.safetensors"), weights)


def refuse_overwriting(config: Config) -> None:
    """Leave a training alone that somebody has in the folder.

    Raises:
        UsageError: there is one, and `resume` is off.
    """
    if not config.resume and (config.output / STATE).exists():
        name = files.display(config.output)
        raise UsageError(f"a training in {name}: add --resume, or name another")


def resume(
    algorithm: Algorithm[Any],
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: Average,
    config: Config,
) -> Progress:
    """Where the training in the folder stands, everything brought there; else the beginning.

    Raises:
        UsageError: the folder holds a training and `resume` is off, or it is on and there is none,
            or that one had another aim.
        BadInputError: the state is damaged, or of another network.
    """
    refuse_overwriting(config)
    if not config.resume:
        return Progress(config)
    path = config.output / STATE
    if not path.exists():
        name = files.display(config.output)
        raise UsageError(f"a training in {name}: there is none to resume")
    tensors, where = checkpoint.read_tensors(files.read(str(path)), files.display(path))
    _fill_optimiser(optimiser)
    try:
        _refuse_another_aim(where, algorithm.made(), config)
        for name, own in _named(network, optimiser, average):
            own.data.copy_(tensors[name])
        return Progress(config, int(where["steps"]), float(where["minutes"]))
    except (KeyError, RuntimeError, ValueError) as exc:
        reason = " ".join(str(exc).split())[:200]
        raise BadInputError(f"{files.display(path)}: not of this training ({reason})") from exc


def _refuse_another_aim(where: Mapping[str, str], made: Mapping[str, Any], config: Config) -> None:
    """What a training is for stays: recognisers, loss, codec, QPs …; an encoder may be newer."""
    had = json.loads(where.get("aim", "{}"))
    has = json.loads(json.dumps(made))
    changed = [key for key in had if key != "encoder" and had[key] != has.get(key)]
    if changed:
        name = files.display(config.output)
        said = ", ".join(f"{key} {had[key]}, not {has.get(key)}" for key in changed)
        raise UsageError(f"a training in {name}: it had {said}: give the same options")


def _named(
    network: nn.Module, optimiser: torch.optim.Optimizer, average: Average
) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of the state, under its name in the file."""
    for prefix, module in (("network", network), ("average", average.network)):
        for name, tensor in module.state_dict().items():
            yield f"{prefix}.{name}", tensor
    for place, parameter in enumerate(network.parameters()):
        for name, tensor in optimiser.state[parameter].items():
            yield f"optimiser.{place}.{name}", tensor


def _fill_optimiser(optimiser: torch.optim.Optimizer) -> None:
    """Make the optimiser's tensors, which it has only after a step, by one that changes nothing."""
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
        group["lr"] = 0.0
    optimiser.step()


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float | str) else str(value)
