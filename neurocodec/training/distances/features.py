"""D_m of what a classifier sees: "Discernible Image Compression", section 3."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from neurocodec.errors import UsageError
from neurocodec.losses.classification import kl_divergence
from neurocodec.losses.features import feature_difference
from neurocodec.losses.mmd import mmd
from neurocodec.networks.precision import Precision
from neurocodec.networks.recognisers import Recogniser
from neurocodec.networks.recognisers.features import FeatureReader
from neurocodec.training.distances.distance import OfRecogniser

Seen = tuple[Tensor, Tensor]  # logits and features, float32


class Features(OfRecogniser):
    """‖F(y) − F(x)‖² / ‖F(x)‖² + γ·MMD(F(x), F(y)), F being the recogniser's features: no labels.

    The second and third terms of equation 7. The samples of the MMD are the pictures that go
    together (`--micro-batch`), each by the means of its channels; every picture gets all of it.
    """

    task: ClassVar[str] = "classification"

    def __init__(
        self,
        recogniser: Recogniser,
        precision: Precision,
        loss: str,
        gamma: float = 1.0,
        layer: str = "",
    ) -> None:
        """Say whose features.

        Args:
            recogniser: a classifier.
            precision: that it computes in.
            loss: as it was typed.
            gamma: γ, at least 0.
            layer: as FeatureReader takes it.

        Raises:
            UsageError: γ is out of its range, or there is no such layer.
        """
        super().__init__(recogniser, precision, loss)
        if not gamma >= 0:
            raise UsageError(f"{loss}: gamma must be at least 0")
        self._gamma = gamma
        self._reader = FeatureReader(recogniser, layer)

    @torch.no_grad()
    def answer(self, clean: Tensor, truths: Sequence[Any]) -> Seen:
        """The logits and the features of the clean pictures."""
        return self._see(clean)

    def __call__(self, answer: Seen, decoded: Tensor) -> Tensor:
        """The distance of every picture, (N,)."""
        return self._apart(answer, self._see(decoded))

    def _apart(self, clean: Seen, decoded: Seen) -> Tensor:
        x, y = clean[1], decoded[1]
        return feature_difference(x, y) + self._gamma * mmd(_means(x), _means(y))

    def _see(self, pictures: Tensor) -> Seen:
        with self._precision:
            logits, features = self._reader(pictures)
        return logits.float(), features.float()


class KlAndFeatures(Features):
    """The same plus KL(p_clean ‖ p_decoded), both seen in one pass."""

    def _apart(self, clean: Seen, decoded: Seen) -> Tensor:
        return kl_divergence(clean[0], decoded[0]) + super()._apart(clean, decoded)


def _means(features: Tensor) -> Tensor:
    """(N, channels)."""
    return features if features.ndim == 2 else features.flatten(2).mean(2)
