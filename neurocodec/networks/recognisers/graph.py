"""A network described by a list of operations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.networks.precision import exactly

INPUT = "input"

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
}


class Graph(nn.Module):
    """A network that runs operations in order, each with a name and the names of its inputs.

    conv: zero padding by `pad` = [left, right, top, bottom], a convolution, then `act` (none, relu,
    relu6, silu, sigmoid); add; concat (of channels); maxpool; global_avgpool; upsample2_nearest;
    focus (space to depth by 2).

    Args:
        ops: in execution order, `input` being the network's input.
        tensors: NAME.weight and NAME.bias of every convolution, and nothing else.
        outputs: the names of the tensors that `forward` returns.

    Raises:
        ValueError: an operation is unknown or incomplete, reads a tensor that is computed later or
            never, or does not fit its weights; or weights are left over.
    """

    def __init__(
        self,
        ops: Sequence[Mapping[str, Any]],
        tensors: Mapping[str, Tensor],
        outputs: Sequence[str],
    ) -> None:
        super().__init__()
        self.outputs = list(outputs)
        self._names = [_named(op, number) for number, op in enumerate(ops)]
        self._inputs = [_inputs(op) for op in ops]
        self._layers = nn.ModuleList(_layer(op, tensors) for op in ops)
        _refuse_unknown(self._names, self._inputs, self.outputs)
        _refuse_leftover(ops, tensors)
        self._last_use = {name: at for at, read in enumerate(self._inputs) for name in read}

    def layer(self, name: str) -> nn.Module:
        """The layer of the operation called `name`.

        Raises:
            AttributeError: no such operation, as with `nn.Module.get_submodule`.
        """
        if name not in self._names:
            raise AttributeError(f"no operation is called {name!r}")
        return self._layers[self._names.index(name)]

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The outputs by name, from preprocessed pictures x, (N, 3, H, W)."""
        tensors = {INPUT: x}
        for at, (name, inputs, layer) in enumerate(
            zip(self._names, self._inputs, self._layers, strict=True)
        ):
            tensors[name] = layer(*(tensors[read] for read in inputs))
            for read in set(inputs):
                if self._last_use[read] == at and read not in self.outputs:
                    del tensors[read]
        return {name: tensors[name] for name in self.outputs}


class _Conv(nn.Module):
    def __init__(self, op: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        weight, bias = (tensors[f"{op['name']}.{part}"] for part in ("weight", "bias"))
        left, right, top, bottom = op["pad"]
        even = left == right and top == bottom
        self.edges = (0, 0, 0, 0) if even else (left, right, top, bottom)
        skip_init: Callable[..., nn.Module] = nn.utils.skip_init
        self.conv = skip_init(
            nn.Conv2d,
            op["in_channels"],
            op["out_channels"],
            op["kernel"],
            op["stride"],
            padding=(top, left) if even else 0,
            groups=op["groups"],
        )
        self.conv.load_state_dict({"weight": weight, "bias": bias})
        self.act = _ACTIVATIONS[op["act"]]()
        depthwise = self.conv.groups == self.conv.in_channels
        self._strided_depthwise = depthwise and self.conv.stride != (1, 1)

    def forward(self, x: Tensor) -> Tensor:
        padded = functional.pad(x, self.edges) if any(self.edges) else x
        convolved = self._exactly(padded) if self._strided_depthwise else self.conv(padded)
        result: Tensor = self.act(convolved)
        return result

    def _exactly(self, x: Tensor) -> Tensor:
        # In bfloat16 a processor takes twenty times as long for the gradient of such a convolution.
        with exactly(x):
            convolved: Tensor = self.conv(x.float())
            return convolved


class _Add(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b


class _Concat(nn.Module):
    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat(inputs, dim=1)


class _Focus(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        quarters = [x[..., row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return torch.cat(quarters, dim=1)


def _maxpool(op: Mapping[str, Any]) -> nn.Module:
    return nn.MaxPool2d(op["kernel"], op["stride"], op["padding"], ceil_mode=op["ceil_mode"])


_PLAIN: dict[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "add": lambda op: _Add(),
    "concat": lambda op: _Concat(),
    "maxpool": _maxpool,
    "global_avgpool": lambda op: nn.AdaptiveAvgPool2d(1),
    "upsample2_nearest": lambda op: nn.Upsample(scale_factor=2, mode="nearest"),
    "focus": lambda op: _Focus(),
}


def _layer(op: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> nn.Module:
    kind, name = op.get("op"), op["name"]
    if kind != "conv" and kind not in _PLAIN:
        known = ", ".join(["conv", *_PLAIN])
        raise ValueError(f"op {name!r} is of the unknown kind {kind!r}: the known ones are {known}")
    try:
        return _Conv(op, tensors) if kind == "conv" else _PLAIN[kind](op)
    except KeyError as exc:
        raise ValueError(f"op {name!r}: {exc} is missing or not known") from None
    except (TypeError, ValueError, RuntimeError) as exc:
        reason = str(exc).replace("\n", " ")
        raise ValueError(f"op {name!r} cannot be built ({reason})") from None


def _named(op: Mapping[str, Any], number: int) -> str:
    if not isinstance(op, Mapping) or not isinstance(op.get("name"), str):
        raise ValueError(f"op {number} has no name")
    name: str = op["name"]
    return name


def _inputs(op: Mapping[str, Any]) -> list[str]:
    if "input" not in op and "inputs" not in op:
        raise ValueError(f"op {op['name']!r} has no input")
    return list(op["inputs"]) if "inputs" in op else [op["input"]]


def _refuse_unknown(names: list[str], inputs: list[list[str]], outputs: list[str]) -> None:
    known = {INPUT}
    for name, reads in zip(names, inputs, strict=True):
        for read in reads:
            if read not in known:
                raise ValueError(f"op {name!r} reads {read!r}, which no op before it computes")
        known.add(name)
    for output in outputs:
        if output not in known:
            raise ValueError(f"no op computes the output {output!r}")


def _refuse_leftover(ops: Sequence[Mapping[str, Any]], tensors: Mapping[str, Tensor]) -> None:
    convs = [op["name"] for op in ops if op["op"] == "conv"]
    wanted = {f"{name}.{part}" for name in convs for part in ("weight", "bias")}
    leftover = sorted(tensors.keys() - wanted)
    if leftover:
        raise ValueError(f"{len(leftover)} tensors belong to no op, {leftover[0]!r} for one")
