"""D_m of a classifier's answer."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from neurocodec.errors import BadInputError
from neurocodec.losses.classification import cross_entropy, kl_divergence
from neurocodec.training.distances.distance import OfRecogniser


class _Classifier(OfRecogniser):
    task: ClassVar[str] = "classification"

    def _logits(self, pictures: Tensor) -> Tensor:
        with self._precision:
            logits: Tensor = self._recogniser(pictures)
        return logits.float()


class KlToOwnAnswer(_Classifier):
    """KL(p_clean ‖ p_decoded) of a classifier's own answers, nats: no labels are needed."""

    @torch.no_grad()
    def answer(self, clean: Tensor, truths: Sequence[Any]) -> Tensor:
        """The logits of the clean pictures, (N, classes) float32."""
        return self._logits(clean)

    def __call__(self, answer: Tensor, decoded: Tensor) -> Tensor:
        """The divergence of every picture, (N,)."""
        return kl_divergence(answer, self._logits(decoded))


class CrossEntropy(_Classifier):
    """−log p_decoded(label) of a classifier, nats."""

    def answer(self, clean: Tensor, truths: Sequence[int]) -> Tensor:
        """The labels, (N,) int64."""
        return torch.tensor(truths, device=clean.device)

    def __call__(self, answer: Tensor, decoded: Tensor) -> Tensor:
        """The cross-entropy of every picture, (N,).

        Raises:
            BadInputError: a label is none of the classifier's classes.
        """
        logits = self._logits(decoded)
        highest, classes = int(answer.max()), logits.shape[1]
        if highest >= classes:
            raise BadInputError(
                f"class {highest}: {self._recogniser.name} has classes 0…{classes - 1}: "
                "correct the labels"
            )
        return cross_entropy(logits, answer)
