"""D_m of a classifier, from its prediction on the clean picture or from the label."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from neurocodec.errors import BadInputError
from neurocodec.losses.recogniser_loss import RecogniserLoss


def kl_divergence(clean: Tensor, logits: Tensor) -> Tensor:
    """KL(p_clean ‖ p_decoded) = Σ p_clean·(log p_clean − log p_decoded) of every picture, nats.

    Args:
        clean: (N, classes) logits of the clean pictures.
        logits: (N, classes) of the decoded ones.

    Returns:
        (N,), at least 0 but for rounding.
    """
    log_clean, log_decoded = clean.log_softmax(1), logits.log_softmax(1)
    return functional.kl_div(log_decoded, log_clean, reduction="none", log_target=True).sum(1)


class _ClassifierLoss(RecogniserLoss):
    task: ClassVar[str] = "classification"

    def _logits(self, pictures: Tensor) -> Tensor:
        with self._precision:
            logits: Tensor = self._recogniser(pictures)
        return logits.float()


class KlToPrediction(_ClassifierLoss):
    """KL(p_clean ‖ p_decoded) of a classifier's predictions, nats: no labels are needed."""

    @torch.no_grad()
    def target(self, clean: Tensor, ground_truth: Sequence[Any]) -> Tensor:
        """The logits of the clean pictures, (N, classes) float32."""
        return self._logits(clean)

    def __call__(self, target: Tensor, decoded: Tensor) -> Tensor:
        """The divergence of every picture, (N,)."""
        return kl_divergence(target, self._logits(decoded))


class CrossEntropy(_ClassifierLoss):
    """−log p_decoded(label) of a classifier, nats."""

    def target(self, clean: Tensor, ground_truth: Sequence[int]) -> Tensor:
        """The labels, (N,) int64."""
        return torch.tensor(ground_truth, device=clean.device)

    def __call__(self, target: Tensor, decoded: Tensor) -> Tensor:
        """The cross-entropy of every picture, (N,).

        Raises:
            BadInputError: the classifier does not have a label's class.
        """
        logits = self._logits(decoded)
        highest, classes = int(target.max()), logits.shape[1]
        if highest >= classes:
            raise BadInputError(
                f"class {highest}: {self._recogniser.name} has classes 0…{classes - 1}: "
                "correct the labels"
            )
        return functional.cross_entropy(logits, target, reduction="none")
