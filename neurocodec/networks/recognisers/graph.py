"""A network described by a list of operations."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from neurocodec.networks.recognisers.layers import LAYERS

INPUT = "input"


class Graph(nn.Module):
    """A network that runs operations in order, each with a name and the names of its inputs.

    Args:
        ops: in execution order, `input` being the network's input; their kinds are in layers.py.
        tensors: NAME.weight and NAME.bias of every operation that has them, and nothing else.
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
        if op["op"] not in LAYERS:
            known = ", ".join(LAYERS)
            raise ValueError(f"unknown kind {op['op']!r}: the known ones are {known}")
        self._layers.append(LAYERS[op["op"]](op, tensors))
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
        """The tensors that it was made of: NAME.weight and NAME.bias."""
        return {
            f"{name}.{path.rpartition('.')[2]}": tensor.detach()
            for name, layer in zip(self._inputs, self._layers, strict=True)
            for path, tensor in layer.named_parameters()
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
