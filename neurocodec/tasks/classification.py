"""Classification: the class of an image."""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from neurocodec.errors import BadInputError
from neurocodec.images import Image
from neurocodec.tasks.datasets import CLASS_FOLDERS, DataSet
from neurocodec.tasks.datasets.class_folders import imagenet_wnids
from neurocodec.tasks.metrics import AGREEMENT, Metric
from neurocodec.tasks.recognition import RecognitionTask
from neurocodec.tasks.task import PictureScore

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
        """
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
        numbers = _class_numbers([data.class_names[i] for i in sorted(data.class_names)], outputs)
        if numbers is None:
            LOG.warning(
                f"{data.name}: its {len(data.class_names)} class folders cannot be mapped to the "
                f"{outputs} classes of {self.model}: scored by agreement only "
                "(name the folders by wnid, or write a labels.csv with file,class_index)"
            )
        elif len(numbers) < outputs and numbers == list(range(len(numbers))):
            LOG.warning(
                f"{data.name}: its {len(numbers)} class folders, in order of their names, are "
                f"taken as the first of the {outputs} classes of {self.model}"
            )
        return _renumbered(data, numbers)


def _class_numbers(names: Sequence[str], outputs: int) -> list[int] | None:
    """The recogniser's class of each class folder, in order; None where nothing tells it."""
    in_order = list(range(len(names)))
    if len(names) == outputs:
        return in_order
    if all(_WNID.fullmatch(name) for name in names):
        known = imagenet_wnids() if outputs == _IMAGENET_CLASSES else {}
        return [known[name] for name in names] if known.keys() >= set(names) else None
    return in_order if len(names) < outputs != _IMAGENET_CLASSES else None


def _renumbered(data: DataSet, numbers: Sequence[int] | None) -> DataSet:
    if numbers is None:
        return replace(data, pictures=tuple(replace(p, ground_truth=None) for p in data.pictures))
    return replace(
        data,
        pictures=tuple(
            replace(picture, ground_truth=numbers[int(picture.ground_truth or 0)])
            for picture in data.pictures
        ),
        class_names={numbers[index]: name for index, name in data.class_names.items()},
    )


def _minus_kl(prediction: Logits, clean_prediction: Logits) -> float:
    """-KL(p_clean ‖ p_decoded) in nats, from logits; at most 0."""
    log_clean, log_decoded = _log_softmax(clean_prediction), _log_softmax(prediction)
    return min(0.0, float(np.sum(np.exp(log_clean) * (log_decoded - log_clean))))


def _log_softmax(logits: Logits) -> npt.NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max()
    result: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return result
