"""The part that tasks with a recogniser share: loading it, and handing it images."""

from typing import TYPE_CHECKING

from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.tasks.task import Task

if TYPE_CHECKING:
    from torch import Tensor


class RecognitionTask(Task):
    """A task with a recogniser.

    Args:
        model: as `recognisers.load` takes it.
        device: "cpu", "cuda" or "auto".

    Raises:
        UsageError: no such model, or one for another task.
        MissingError: its weights cannot be had.
        BadInputError: its file or its description is damaged.
    """

    def __init__(self, model: str, device: str = "cpu") -> None:
        from neurocodec.networks.recognisers import load

        self._recogniser = load(model, device)
        if self._recogniser.kind != self.name:
            raise UsageError(f"{model}: is made for {self._recogniser.kind}, not for {self.name}")
        self.model = self._recogniser.name
        self.model_sha256 = self._recogniser.model_sha256

    def _tensor(self, image: Image) -> "Tensor":
        """(1, 3, H, W), on the recogniser's device."""
        from neurocodec.networks.tensors import to_tensor

        return to_tensor([image], self._recogniser.device)
