"""D_m of a pose estimator, from its maps of the joints on the clean picture."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from neurocodec.errors import UsageError
from neurocodec.losses.features import feature_difference
from neurocodec.losses.recogniser_loss import RecogniserLoss
from neurocodec.networks.precision import Precision
from neurocodec.networks.recognisers import Recogniser
from neurocodec.networks.recognisers.preprocessing import input_size


class JointsToPrediction(RecogniserLoss):
    """‖M(y) − M(x)‖² / ‖M(x)‖², M being the network's maps of the joints: no keypoints are needed.

    The network is shown whole pictures, squeezed into its input, not people that are cut out.

    Args:
        recogniser: a pose estimator that is a list of operations.
        precision: of its computation.
        loss: as typed.

    Raises:
        UsageError: the network is torchvision's, whose people are no differentiable maps.
    """

    task: ClassVar[str] = "pose"

    def __init__(self, recogniser: Recogniser, precision: Precision, loss: str) -> None:
        super().__init__(recogniser, precision, loss)
        if recogniser.preprocessing is None:
            raise UsageError(
                f"{recogniser.name}: yields people, not maps of joints that a filter could learn "
                "from: name a .safetensors file with a list of operations"
            )

    @torch.no_grad()
    def target(self, clean: Tensor, ground_truth: Sequence[Any]) -> Tensor:
        """The maps of the clean pictures, (N, 17, h, w) float32."""
        return self._maps(clean)

    def __call__(self, target: Tensor, decoded: Tensor) -> Tensor:
        """The difference of every picture, (N,)."""
        return feature_difference(target, self._maps(decoded))

    def _maps(self, pictures: Tensor) -> Tensor:
        heads = self._recogniser.description.get("heads")
        size = input_size(self._recogniser.description["input"])
        squeezed = functional.interpolate(pictures, size, mode="bilinear", antialias=True)
        with self._precision:
            outputs = self._recogniser(squeezed)
        if heads:  # MoveNet's are logits
            joints: Tensor = outputs[heads["heatmap"]].float()
            return joints.sigmoid()
        (maps,) = outputs.values()
        return maps.float()  # type: ignore[no-any-return]
