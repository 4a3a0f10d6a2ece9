"""D_m: how far the recogniser's answer to a decoded picture is from what it should be."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from neurocodec.errors import UsageError
from neurocodec.losses.classification import kl_divergence
from neurocodec.networks import recognisers
from neurocodec.networks.precision import Precision


class Distance(Protocol):
    """D_m of one recogniser."""

    def answer(self, clean: Tensor) -> Any:
        """What the recogniser says of the clean pictures, without a gradient."""

    def __call__(self, answer: Any, decoded: Tensor) -> Tensor:
        """D_m of the decoded pictures against `answer`, (N,), at least 0."""


class ToOwnAnswer:
    """KL(p_clean ‖ p_decoded) of a classifier's own answers, nats: no labels are needed."""

    def __init__(self, model: str, device: str, precision: Precision) -> None:
        """Load the recogniser.

        Raises:
            UsageError: unknown model, or no classifier.
            MissingError: its weights cannot be had.
            BadInputError: its file is damaged.
        """
        self._recogniser = recognisers.load(model, device)
        if self._recogniser.kind != "classification":
            raise UsageError(f"{model}: is no classifier: it is for {self._recogniser.kind}")
        self._recogniser.to(memory_format=torch.channels_last)
        self._precision = precision

    @torch.no_grad()
    def answer(self, clean: Tensor) -> Tensor:
        """The logits, (N, classes) float32."""
        return self._logits(clean)

    def __call__(self, answer: Tensor, decoded: Tensor) -> Tensor:
        """The divergence of every picture, (N,)."""
        return kl_divergence(answer, self._logits(decoded))

    def _logits(self, pictures: Tensor) -> Tensor:
        with self._precision:
            logits: Tensor = self._recogniser(pictures)
        return logits.float()


def load(models: Sequence[str], device: str, precision: Precision) -> dict[str, Distance]:
    """D_m by recogniser, named as its file is.

    Raises:
        UsageError: unknown model, no classifier, or two of one name.
        MissingError: weights cannot be had.
        BadInputError: a file is damaged.
    """
    names = [Path(model).stem for model in models]
    if len(set(names)) < len(names):
        raise UsageError(f"two models of one name among {', '.join(models)}: rename a file")
    return {
        name: ToOwnAnswer(model, device, precision)
        for name, model in zip(names, models, strict=True)
    }
