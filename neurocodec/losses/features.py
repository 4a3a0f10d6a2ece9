"""D_m from a classifier's features: "Discernible Image Compression", section 3."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from neurocodec.errors import UsageError
from neurocodec.losses.classification import kl_divergence
from neurocodec.losses.recogniser_loss import RecogniserLoss
from neurocodec.networks.precision import Precision
from neurocodec.networks.recognisers import Recogniser
from neurocodec.networks.recognisers.features import FeatureReader

KERNELS = 8
_TINY = 1e-12

Seen = tuple[Tensor, Tensor]  # logits and features, float32


def feature_difference(clean: Tensor, decoded: Tensor) -> Tensor:
    """‖F(y) − F(x)‖² / ‖F(x)‖² of every picture.

    Equation 5 of "Discernible Image Compression", which has no division. With it a weight means
    the same at every layer's scale: SqueezeNet's last features are in the hundreds, MobileNetV2's
    at most 6.

    Args:
        clean: F(x), (N, …); it gets no gradient.
        decoded: F(y), of the same shape.

    Returns:
        (N,), at least 0.
    """
    power = clean.detach().flatten(1).square().sum(1).clamp_min(_TINY)
    return (decoded - clean).flatten(1).square().sum(1) / power


def mmd(clean: Tensor, decoded: Tensor) -> Tensor:
    """(1/n²)·[Σᵢⱼ k(xᵢ, xⱼ) + Σᵢⱼ k(yᵢ, yⱼ) − 2·Σᵢⱼ k(xᵢ, yⱼ)], over all i and j.

    The squared maximum mean discrepancy, the full biased estimate. k(a, b) =
    ⅛·Σᵤ exp(−2ᵘ·‖a − b‖² / m), u = 0 … 7, m the mean of ‖xᵢ‖²: eight Gaussians, the widest as wide
    as the clean samples are long. Equation 6 of "Discernible Image Compression", whose expansion
    lost the factor 2.

    Args:
        clean: x, (n, features), n ≥ 1; m takes no gradient to it.
        decoded: y, of the same shape.

    Returns:
        A number in [0, 2], 0 where the sets are equal.
    """
    m = clean.detach().square().sum(1).mean().clamp_min(_TINY)
    within = _kernel(clean, clean, m).mean() + _kernel(decoded, decoded, m).mean()
    return within - 2 * _kernel(clean, decoded, m).mean()


def _kernel(a: Tensor, b: Tensor, m: Tensor) -> Tensor:
    """(n, n)."""
    distance = (a[:, None] - b[None]).square().sum(2) / m
    powers = 2.0 ** torch.arange(KERNELS, dtype=a.dtype, device=a.device)
    return (-powers * distance[..., None]).exp().mean(2)


class Features(RecogniserLoss):
    """‖F(y) − F(x)‖² / ‖F(x)‖² + γ·MMD(F(x), F(y)), F being the recogniser's features: no labels.

    The second and third terms of equation 7. The samples of the MMD are the pictures of a
    micro-batch, each by the means of its channels; every picture gets all of it.

    Args:
        recogniser: a classifier.
        precision: of its computation.
        loss: as typed.
        gamma: γ, at least 0.
        layer: as FeatureReader takes it.

    Raises:
        UsageError: γ is out of its range, or there is no such layer.
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
        super().__init__(recogniser, precision, loss)
        if not gamma >= 0:
            raise UsageError(f"{loss}: gamma must be at least 0")
        self._gamma = gamma
        self._reader = FeatureReader(recogniser, layer)

    @torch.no_grad()
    def target(self, clean: Tensor, ground_truth: Sequence[Any]) -> Seen:
        """The logits and the features of the clean pictures."""
        return self._see(clean)

    def __call__(self, target: Seen, decoded: Tensor) -> Tensor:
        """D_m of every picture, (N,)."""
        return self._apart(target, self._see(decoded))

    def _apart(self, clean: Seen, decoded: Seen) -> Tensor:
        x, y = clean[1], decoded[1]
        return feature_difference(x, y) + self._gamma * mmd(_means(x), _means(y))

    def _see(self, pictures: Tensor) -> Seen:
        with self._precision:
            logits, features = self._reader(pictures)
        return logits.float(), features.float()


class KlAndFeatures(Features):
    """`Features` plus KL(p_clean ‖ p_decoded), from one pass of the recogniser."""

    def _apart(self, clean: Seen, decoded: Seen) -> Tensor:
        return kl_divergence(clean[0], decoded[0]) + super()._apart(clean, decoded)


def _means(features: Tensor) -> Tensor:
    """(N, channels)."""
    return features if features.ndim == 2 else features.flatten(2).mean(2)
