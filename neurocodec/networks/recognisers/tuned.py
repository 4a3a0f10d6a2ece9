"""A recogniser whose weights learn, and that is stored with its description."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from neurocodec.errors import UsageError
from neurocodec.networks.recognisers import loading
from neurocodec.networks.recognisers.graph import Graph
from neurocodec.networks.recognisers.recogniser import Recogniser


class Tuned(nn.Module):
    """A recogniser that learns: pictures (N, 3, H, W) in [0, 1] → its prediction.

    Batch normalisations keep their statistics. Its tensors are arbitrary until they are loaded.

    Args:
        description: of the recogniser, with `ops` or `arch`.
        shapes: of its tensors, by name.

    Raises:
        UsageError, ValueError, TypeError, LookupError, AttributeError, RuntimeError: the shapes
            do not fit the description, or it is of no recogniser.
    """

    def __init__(self, description: Mapping[str, Any], shapes: Mapping[str, Sequence[int]]) -> None:
        super().__init__()
        self.config = {"description": description, "shapes": shapes}
        tensors = {name: torch.zeros(tuple(shape)) for name, shape in shapes.items()}
        self.recogniser = loading.described("tuned", description, tensors)
        self.recogniser.network.requires_grad_(True)

    @classmethod
    def of(cls, recogniser: Recogniser) -> Self:
        """A copy of a recogniser.

        Raises:
            UsageError: it has no description that a file could hold.
        """
        if not recogniser.description:
            raise UsageError(
                f"{recogniser.name}: is known by its name alone: name a .safetensors file"
            )
        tensors = _tensors(recogniser.network)
        copy = cls(recogniser.description, {name: list(t.shape) for name, t in tensors.items()})
        copy.recogniser.network.load_state_dict(recogniser.network.state_dict())
        return copy

    def freeze_unused(self) -> None:
        """Let only those parameters learn that a prediction depends on."""
        self.recogniser.predict(self.recogniser.prepare(torch.zeros(1, 3, 64, 64))).sum().backward()
        for parameter in self.recogniser.network.parameters():
            parameter.requires_grad_(parameter.grad is not None)
            parameter.grad = None

    def tensors(self) -> dict[str, Tensor]:
        """Its tensors by name, as a recogniser's file has them."""
        return _tensors(self.recogniser.network)

    def forward(self, pictures: Tensor) -> Any:
        """Predict, as `Recogniser` does."""
        return self.recogniser(pictures)


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    return network.tensors() if isinstance(network, Graph) else dict(network.state_dict())
