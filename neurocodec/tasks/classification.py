"""Classification: the class of an image."""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from neurocodec.errors import BadInputError, UsageError
from neurocodec.images import Image
from neurocodec.tasks.datasets import CLASS_FOLDERS, DataSet
from neurocodec.tasks.datasets.folders import imagenet_wnids
from neurocodec.tasks.task import AGREEMENT, Metric, PictureScore, RecognitionTask

LOG = logging.getLogger("neurocodec")

_BATCH = 8
_IMAGENET_CLASSES = 1000
_WNID = re.compile(r"n\d{8}")
_GRAY = Image(np.full((64, 64, 3), 128, np.uint8))

Logits = npt.NDArray[np.float32]


class Classification(RecognitionTask):
    """Classification by the logits of a recogniser; the ground truth is a class index.

    "top1" and "top5" need ground truth. "agreement" is 1 where the first class is that of the
    original image. "kl" is -KL(p_clean ‖ p_decoded) in nats, at temperature 1.
    """

    name: ClassVar[str] = "classification"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("top1", "top-1", "top-1 accuracy", percent=True),
        Metric("top5", "top-5", "top-5 accuracy", percent=True, compared=False),
        AGREEMENT,
        Metric("kl", "KL", "-KL to the prediction on the original (nats)", primary=True),
    )

    def predict(self, images: Sequence[Image]) -> list[Logits]:
        """The logits of each image, (classes,)."""
        import torch

        logits: list[Logits] = []
        for start in range(0, len(images), _BATCH):
            with torch.inference_mode():
                prepared = self._recogniser.prepare_images(images[start : start + _BATCH])
                logits.extend(self._recogniser.predict(prepared).cpu().numpy())
        return logits

    def score(
        self, prediction: Logits, clean_prediction: Logits, ground_truth: int | None
    ) -> PictureScore:
        """Score the logits of a decoded image, (classes,).

        Raises:
            BadInputError: the ground truth is not one of the model's classes.
            UsageError: a codec's own logits are of other classes than the model's.
        """
        if len(prediction) != len(clean_prediction):
            raise UsageError(
                f"the codec has {len(prediction)} classes, {self.model} {len(clean_prediction)}: "
                "name a recogniser of the same classes"
            )
        best = np.argsort(-prediction, kind="stable")[:5]
        agreement = float(best[0] == clean_prediction.argmax())
        scores = {"agreement": agreement, "kl": _minus_kl(prediction, clean_prediction)}
        if ground_truth is not None:
            if not 0 <= ground_truth < len(prediction):
                raise BadInputError(
                    f"class {ground_truth}: {self.model} has classes 0…{len(prediction) - 1}"
                )
            scores["top1"] = float(best[0] == ground_truth)
            scores["top5"] = float(ground_truth in best)
        return PictureScore(scores)

    def align(self, data: DataSet) -> DataSet:
        """Number class folders as the recogniser numbers its classes.

        Folders named by wnid (n01440764) are ImageNet's; other names count in sorted order. Where
        neither can be the recogniser's numbering, the labels are dropped, with a warning.
        """
        if data.layout != CLASS_FOLDERS:
            return data
        outputs = len(self.predict([_GRAY])[0])
        names = [data.class_names[index] for index in sorted(data.class_names)]
        numbers = _class_numbers(names, outputs)
        if not numbers:
            LOG.warning(
                f"{data.name}: its {len(names)} class folders cannot be mapped to the "
                f"{outputs} classes of {self.model}: scored by agreement only "
                "(name the folders by wnid, or write a labels.csv with file,class_index)"
            )
            pictures = [replace(picture, ground_truth=None) for picture in data.pictures]
            return replace(data, pictures=tuple(pictures), class_names={})
        if len(numbers) < outputs and numbers == list(range(len(numbers))):
            LOG.warning(
                f"{data.name}: its {len(numbers)} class folders, in order of their names, are "
                f"taken as the first of the {outputs} classes of {self.model}"
            )
        pictures = [replace(p, ground_truth=numbers[p.ground_truth or 0]) for p in data.pictures]
        class_names = dict(zip(numbers, names, strict=True))
        return replace(data, pictures=tuple(pictures), class_names=class_names)


def _class_numbers(names: Sequence[str], outputs: int) -> list[int]:
    """The recogniser's class of each class folder, in order; empty where nothing tells it."""
    in_order = list(range(len(names)))
    if len(names) == outputs:
        return in_order
    if all(_WNID.fullmatch(name) for name in names):
        known = imagenet_wnids() if outputs == _IMAGENET_CLASSES else {}
        return [known[name] for name in names] if known.keys() >= set(names) else []
    return in_order if len(names) < outputs != _IMAGENET_CLASSES else []


def _minus_kl(prediction: Logits, clean_prediction: Logits) -> float:
    """-KL(p_clean ‖ p_decoded) in nats, from logits; at most 0."""
    from scipy.special import log_softmax

    log_p, log_q = (log_softmax(x.astype(np.float64)) for x in (clean_prediction, prediction))
    return min(0.0, float(np.sum(np.exp(log_p) * (log_q - log_p))))
