"""D_m of a classifier, from its prediction on the clean picture or from the label."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from neurocodec.errors import BadInputError, UsageError
from neurocodec.losses.recogniser_loss import RecogniserLoss
from neurocodec.networks.precision import Precision
from neurocodec.networks.recognisers import Recogniser

_HOTTEST = 100


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
    """T²·KL(p_clean ‖ p_decoded) of a classifier's predictions softened by T, nats: no labels.

    As in section 2 of "Distilling the Knowledge in a Neural Network": a larger T lets the less
    likely classes count for more, and with T² the size of the gradient stays about the same.

    Args:
        recogniser: a classifier.
        precision: of its computation.
        loss: as typed.
        temperature: T, above 0 and at most 100.

    Raises:
        UsageError: T is out of its range.
    """

    def __init__(
        self, recogniser: Recogniser, precision: Precision, loss: str, temperature: float = 1.0
    ) -> None:
        super().__init__(recogniser, precision, loss)
        if not 0 < temperature <= _HOTTEST:
            raise UsageError(f"kl:temperature goes from above 0 to {_HOTTEST}, not {temperature:g}")
        self._temperature = temperature

    @torch.no_grad()
    def target(self, clean: Tensor, ground_truth: Sequence[Any]) -> Tensor:
        """The logits of the clean pictures, (N, classes) float32."""
        return self._logits(clean)

    def __call__(self, target: Tensor, decoded: Tensor) -> Tensor:
        """The divergence of every picture, (N,)."""
        softened = (target / self._temperature, self._logits(decoded) / self._temperature)
        return self._temperature**2 * kl_divergence(*softened)


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
