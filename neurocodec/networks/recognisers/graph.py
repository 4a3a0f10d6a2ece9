"""A network described by a list of operations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.networks.precision import exact

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
        self._layers = nn.ModuleList()
        self._inputs: dict[str, list[str]] = {}
        unused = dict(tensors)
        for number, op in enumerate(ops):
            try:
                self._add(op, unused)
            except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as exc:
                reason = f"{exc} is missing or not known" if isinstance(exc, KeyError) else exc
                name = op.get("name", number) if isinstance(op, Mapping) else number
                raise ValueError(f"op {name!r} cannot be built ({reason})") from None
        for output in self.outputs:
            if output not in self._inputs:
                raise ValueError(f"no op computes the output {output!r}")
        if unused:
            raise ValueError(f"{len(unused)} tensors belong to no op, {min(unused)!r} for one")
        self._last_use = {read: name for name, reads in self._inputs.items() for read in reads}

    def _add(self, op: Mapping[str, Any], tensors: dict[str, Tensor]) -> None:
        """Append an operation, taking its tensors out of `tensors`."""
        name, inputs = op["name"], op["inputs"] if "inputs" in op else [op["input"]]
        for read in inputs:
            if read != INPUT and read not in self._inputs:
                raise ValueError(f"it reads {read!r}, which no op before it computes")
        if op["op"] not in _LAYERS:
            known = ", ".join(_LAYERS)
            raise ValueError(f"unknown kind {op['op']!r}: the known ones are {known}")
        self._layers.append(_LAYERS[op["op"]](op, tensors))
        self._inputs[name] = list(inputs)

    def get_submodule(self, target: str) -> nn.Module:
        """Return the layer of the operation called `target`.

        Raises:
            AttributeError: no such operation.
        """
        if target not in self._inputs:
            raise AttributeError(f"no operation is called {target!r}")
        return self._layers[list(self._inputs).index(target)]

    def tensors(self) -> dict[str, Tensor]:
        """The tensors that it was made of: NAME.weight and NAME.bias of every convolution."""
        return {
            f"{name}.{part}": tensor.detach()
            for name, layer in zip(self._inputs, self._layers, strict=True)
            if isinstance(layer, _Conv)
            for part, tensor in layer.conv.named_parameters()
        }

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Compute the outputs by name, from preprocessed pictures x, (N, 3, H, W)."""
        tensors = {INPUT: x}
        for (name, inputs), layer in zip(self._inputs.items(), self._layers, strict=True):
            tensors[name] = layer(*(tensors[read] for read in inputs))
            for read in set(inputs):
                if self._last_use[read] == name and read not in self.outputs:
                    del tensors[read]
        return {name: tensors[name] for name in self.outputs}


class _Conv(nn.Module):
    def __init__(self, op: Mapping[str, Any], tensors: dict[str, Tensor]) -> None:
        super().__init__()
        left, right, top, bottom = op["pad"]
        even = left == right and top == bottom
        self.edges = (0, 0, 0, 0) if even else (left, right, top, bottom)
        skip_init: Callable[..., nn.Conv2d] = nn.utils.skip_init
        self.conv = skip_init(
            nn.Conv2d,
            op["in_channels"],
            op["out_channels"],
            op["kernel"],
            op["stride"],
            padding=(top, left) if even else 0,
            groups=op["groups"],
        )
        parts = ("weight", "bias")
        self.conv.load_state_dict({part: tensors.pop(f"{op['name']}.{part}") for part in parts})
        self.act = _ACTIVATIONS[op["act"]]()
        depthwise = self.conv.groups == self.conv.in_channels
        self._strided_depthwise = depthwise and self.conv.stride != (1, 1)

    def forward(self, x: Tensor) -> Tensor:
        padded = functional.pad(x, self.edges) if any(self.edges) else x
        # In bfloat16 a processor takes twenty times as long for the gradient of such a convolution.
        convolved = exact(self.conv, padded) if self._strided_depthwise else self.conv(padded)
        result: Tensor = self.act(convolved)
        return result


class _Function(nn.Module):
    """A function of tensors as a layer, which can have hooks."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self._function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self._function(*inputs)


def _focus(x: Tensor) -> Tensor:
    quarters = [x[..., row::2, column::2] for column in (0, 1) for row in (0, 1)]
    return torch.cat(quarters, dim=1)


_LAYERS: dict[str, Callable[[Mapping[str, Any], dict[str, Tensor]], nn.Module]] = {
    "conv": _Conv,
    "add": lambda op, tensors: _Function(torch.add),
    "concat": lambda op, tensors: _Function(lambda *inputs: torch.cat(inputs, dim=1)),
    "maxpool": lambda op, tensors: nn.MaxPool2d(
        op["kernel"], op["stride"], op["padding"], ceil_mode=op["ceil_mode"]
    ),
    "global_avgpool": lambda op, tensors: nn.AdaptiveAvgPool2d(1),
    "upsample2_nearest": lambda op, tensors: nn.Upsample(scale_factor=2, mode="nearest"),
    "focus": lambda op, tensors: _Function(_focus),
}
