"""What tasks that ask one recogniser share: loading it, and saying which it is."""

from typing import ClassVar

import torch

from neurocodec.errors import UsageError
from neurocodec.networks.recognisers import load


class Recognised:
    """The recogniser of a task."""

    name: ClassVar[str]

    def __init__(self, model: str, device: str = "cpu") -> None:
        """Load the recogniser.

        Args:
            model: as `recognisers.load` takes it.
            device: "cpu", "cuda" or "auto".

        Raises:
            UsageError: no such model, or one for another task.
            MissingError: its weights cannot be had.
            BadInputError: its file or its description is damaged.
        """
        self._recogniser = load(model, device)
        if self._recogniser.kind != self.name:
            raise UsageError(f"{model}: is made for {self._recogniser.kind}, not for {self.name}")

    @property
    def model(self) -> str:
        """What the recogniser is called in results."""
        return self._recogniser.name

    @property
    def model_sha256(self) -> str:
        """Of the recogniser's weights file, or of its tensors where there is no file."""
        return self._recogniser.model_sha256

    @property
    def _device(self) -> torch.device:
        return next(self._recogniser.parameters()).device
