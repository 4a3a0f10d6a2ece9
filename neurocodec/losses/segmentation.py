"""D_m of a segmentation network, from its prediction on the clean picture."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from neurocodec.losses.classification import kl_divergence
from neurocodec.losses.recogniser_loss import RecogniserLoss


class MapsToPrediction(RecogniserLoss):
    """KL(p_clean ‖ p_decoded) of the classes at every place of the network's map, its mean, nats.

    No masks are needed. Places of the padding are left out.
    """

    task: ClassVar[str] = "segmentation"

    @torch.no_grad()
    def target(self, clean: Tensor, ground_truth: Sequence[Any]) -> Tensor:
        """The logits of the clean pictures, (N, classes, h, w) float32."""
        return self._logits(clean)

    def __call__(self, target: Tensor, decoded: Tensor) -> Tensor:
        """The mean divergence of every picture, (N,)."""
        places = target.shape[-2:].numel()
        clean, seen = (
            maps.movedim(1, -1).flatten(0, 2) for maps in (target, self._logits(decoded))
        )
        return kl_divergence(clean, seen).reshape(-1, places).mean(1)

    def _logits(self, pictures: Tensor) -> Tensor:
        with self._precision:
            logits: Tensor = self._recogniser(pictures)["out"].float()
        preprocessing = self._recogniser.preprocessing
        if preprocessing is None or preprocessing.fit != "letterbox":
            return logits
        shown = preprocessing.fitted_size(*pictures.shape[-2:])
        rows, columns = (
            -(-side * places // preprocessing.size)
            for side, places in zip(shown, logits.shape[-2:], strict=True)
        )
        return logits[..., :rows, :columns]
