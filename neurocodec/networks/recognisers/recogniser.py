"""A frozen network that reads pictures, with its preprocessing."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from neurocodec.images import Image
from neurocodec.networks.recognisers.preprocessing import Preprocessing
from neurocodec.networks.tensors import to_tensor


class Recogniser(nn.Module):
    """A network in evaluation mode without gradients of its weights; pictures may have them.

    Attributes:
        name: as results have it.
        kind: its task: "classification", "detection", "segmentation" or "pose".
        network: without its preprocessing.
        preprocessing: None where the network contains it (torchvision's detectors).
        model_sha256: SHA-256 of the weights file, or of the tensors where there is no file.
        description: the JSON beside the weights; for a list of operations with its `heads`,
            `strides` and `decode`; empty for a name.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        network: nn.Module,
        preprocessing: Preprocessing | None,
        model_sha256: str = "",
        description: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.kind = kind
        self.network = network.eval().requires_grad_(False)
        self.preprocessing = preprocessing
        self.model_sha256 = model_sha256 or _tensors_sha256(network)
        self.description = dict(description or {})

    @property
    def device(self) -> torch.device:
        """The device of its weights."""
        return next(self.network.parameters()).device

    def train(self, mode: bool = True) -> "Recogniser":
        """Stay in evaluation mode, also inside a trainer."""
        return self

    def see(self, fit: str) -> None:
        """Fit pictures that way from now on, as `Preprocessing` has it, where a square was cut."""
        if self.preprocessing is not None and self.preprocessing.fit == "crop":
            self.preprocessing = replace(self.preprocessing, fit=fit)

    def forward(self, pictures: Tensor) -> Any:
        """Predict from pictures.

        Args:
            pictures: (N, 3, H, W) float, RGB, [0, 1], of any size.

        Returns:
            For a classifier: logits, (N, classes). For a segmentation network: torchvision's dict,
            "out" being (N, classes, h, w) logits of the preprocessed picture; a graph's
            are those of the whole padded square. For torchvision's detectors: a list of dicts
            (boxes, labels, scores, keypoints). For a graph that finds objects or joints: its
            tensors by name.
        """
        return self.predict(self.prepare(pictures))

    def prepare(self, pictures: Tensor) -> Tensor:
        """Make the network's input; all of one size after "crop" and "letterbox"."""
        return self.preprocessing(pictures) if self.preprocessing else pictures

    def prepare_images(self, images: Sequence[Image]) -> Tensor:
        """Make the network's input of images whose sizes are alike once prepared."""
        return torch.cat([self.prepare(to_tensor([image], self.device)) for image in images])

    def predict(self, prepared: Tensor) -> Any:
        """Predict from the output of `prepare`."""
        if self.preprocessing is None:
            return self.network(list(prepared))
        outputs = self.network(prepared)
        if self.kind == "segmentation" and "out" not in outputs:
            (outputs["out"],) = outputs.values()
        if self.kind != "classification":
            return outputs
        (logits,) = outputs.values() if isinstance(outputs, dict) else (outputs,)
        return logits.flatten(1)


def _tensors_sha256(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
