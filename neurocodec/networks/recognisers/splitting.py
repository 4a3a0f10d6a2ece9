"""A classifier of operations cut in two: what is before a layer's output, what is after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurocodec.networks.recognisers.graph import INPUT, Graph

Op = Mapping[str, Any]


@dataclass(frozen=True)
class Halves:
    """The operations of a network before and after a cut.

    Attributes:
        front: up to the layer.
        back: after it; they read the layer's output as their input.
        layer: its name.
        output: the name of the network's output.
    """

    front: Sequence[Op]
    back: Sequence[Op]
    layer: str
    output: str

    def graphs(self, tensors: Mapping[str, Tensor]) -> tuple[Graph, Graph]:
        """Both as networks, with their share of the tensors."""
        return (
            Graph(self.front, _share(self.front, tensors), [self.layer]),
            Graph(self.back, _share(self.back, tensors), [self.output]),
        )


def halves(ops: Sequence[Op], output: str, layer: str) -> Halves:
    """Cut a network after the operation called `layer`.

    Raises:
        ValueError: there is no such operation, none follows it, or one that follows reads what was
            computed before it.
    """
    names = [op["name"] for op in ops]
    if layer not in names[:-1]:
        raise ValueError(f"there is no layer {layer!r} before the last")
    place = names.index(layer) + 1
    passed = set(names[:place]) - {layer}
    passed.add(INPUT)
    for op in ops[place:]:
        around = passed & set(_reads(op))
        if around:
            raise ValueError(
                f"{op['name']!r} reads {min(around)!r}, which goes around {layer!r}: cut elsewhere"
            )
    return Halves(ops[:place], [_reading_input(op, layer) for op in ops[place:]], layer, output)


def blank(ops: Sequence[Op]) -> dict[str, Tensor]:
    """Tensors of zeros for all operations, to be loaded over."""
    tensors: dict[str, Tensor] = {}
    for op in ops:
        if op["op"] == "conv":
            out, kernel = op["out_channels"], op["kernel"]
            shape = (out, op["in_channels"] // op["groups"], kernel, kernel)
            tensors[f"{op['name']}.weight"] = torch.zeros(shape)
            tensors[f"{op['name']}.bias"] = torch.zeros(out)
    return tensors


def _reads(op: Op) -> Sequence[str]:
    return op["inputs"] if "inputs" in op else [op["input"]]


def _reading_input(op: Op, layer: str) -> Op:
    """The operation with the layer's name replaced by that of the network's input."""
    read = [INPUT if name == layer else name for name in _reads(op)]
    return {**op, "inputs": read} if "inputs" in op else {**op, "input": read[0]}


def _share(ops: Sequence[Op], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    names = {f"{op['name']}.{part}" for op in ops for part in ("weight", "bias")}
    return {name: tensor for name, tensor in tensors.items() if name in names}
