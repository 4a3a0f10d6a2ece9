"""Classification: what one picture is of, and how much of the answer survives coding."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from neurocodec.errors import BadInputError
from neurocodec.images import Image
from neurocodec.networks.tensors import to_tensor
from neurocodec.tasks.recognised import Recognised
from neurocodec.tasks.task import PictureScore

_BATCH = 8


class Classification(Recognised):
    """A classifier asked for the logits of a picture.

    Truth is the class index. Scores: "top1" and "top5" (with truth only), "agreement" (the same
    first class as on the original picture), and "kl": minus KL(p_clean ‖ p_decoded) in nats at
    temperature 1.
    """

    name: ClassVar[str] = "classification"

    @torch.inference_mode()
    def predict(self, images: Sequence[Image]) -> list[npt.NDArray[np.float32]]:
        """The logits of each picture, (classes,)."""
        answers: list[npt.NDArray[np.float32]] = []
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH]
            inputs = [to_tensor([image], self._recogniser.device) for image in batch]
            prepared = torch.cat([self._recogniser.prepare(x) for x in inputs])
            answers.extend(self._recogniser.answer(prepared).cpu().numpy())
        return answers

    def score(
        self,
        answer: npt.NDArray[np.float32],
        clean: npt.NDArray[np.float32],
        truth: Any | None,
    ) -> PictureScore:
        """How good the logits of a decoded picture are.

        Args:
            answer: of the decoded picture, (classes,).
            clean: of the original.
            truth: the class index, or None.

        Raises:
            BadInputError: truth is not one of the model's classes.
        """
        scores = {"agreement": float(answer.argmax() == clean.argmax()), "kl": _kl(answer, clean)}
        if truth is not None:
            if not 0 <= truth < len(answer):
                raise BadInputError(f"class {truth}: {self.model} has classes 0…{len(answer) - 1}")
            best = np.argsort(-answer, kind="stable")[:5]
            scores |= {"top1": float(best[0] == truth), "top5": float(truth in best)}
        return PictureScore(scores)

    def score_set(self, pictures: Sequence[PictureScore]) -> dict[str, float]:
        """The means over the pictures, of the scores that all of them have."""
        if not pictures:
            return {}
        names = [n for n in pictures[0].scores if all(n in p.scores for p in pictures)]
        return {n: math.fsum(p.scores[n] for p in pictures) / len(pictures) for n in names}


def _kl(answer: npt.NDArray[np.float32], clean: npt.NDArray[np.float32]) -> float:
    """-KL(p_clean ‖ p_decoded) in nats, from logits; at most 0."""
    log_clean, log_decoded = _log_softmax(clean), _log_softmax(answer)
    return min(0.0, float(np.sum(np.exp(log_clean) * (log_decoded - log_clean))))


def _log_softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max()
    result: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return result
