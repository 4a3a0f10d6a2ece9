"""Detection: what is where. Scored by COCO's mean average precision over boxes."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
import torch

from neurocodec.images import Image
from neurocodec.tasks.average_precision import (
    CLEAN_SCORE,
    Kept,
    Matches,
    match_evidence,
    set_scores,
)
from neurocodec.tasks.detectors import Detections, detector
from neurocodec.tasks.recognised import Recognised
from neurocodec.tasks.task import PictureScore
from neurocodec.tasks.truths import Boxes

_KIND: Final = "bbox"


class Detection(Recognised):
    """A detector: torchvision's FCOS, Faster R-CNN, RetinaNet or SSD, or YOLOX as operations."""

    name: ClassVar[str] = "detection"

    def __init__(self, model: str, device: str = "cpu") -> None:
        super().__init__(model, device)
        self._detect = detector(self._recogniser)

    @torch.inference_mode()
    def predict(self, images: Sequence[Image]) -> list[Detections]:
        """What is in each picture, of whatever sizes they are."""
        return self._detect(images)

    @staticmethod
    def score(answer: Detections, clean: Detections, truth: Boxes | None) -> PictureScore:
        """The evidence that `score_set` matches: columns over the objects, boxes as xyxy in pixels.

        Of `clean` only what is surer than CLEAN_SCORE; "truth" is absent without labels.
        """
        sure = clean.scores > CLEAN_SCORE
        evidence: dict[str, Any] = {
            "answer": {
                "xyxy": np.round(answer.xyxy, 2).tolist(),
                "scores": np.round(answer.scores, 5).tolist(),
                "class_ids": answer.class_ids.tolist(),
            },
            "clean": {
                "xyxy": np.round(clean.xyxy[sure], 2).tolist(),
                "class_ids": clean.class_ids[sure].tolist(),
            },
        }
        if truth is not None:
            evidence["truth"] = {
                "xyxy": np.round(truth.xyxy, 2).tolist(),
                "class_ids": truth.class_ids.tolist(),
                "is_crowd": truth.is_crowd.astype(int).tolist(),
            }
        return PictureScore({}, evidence)

    @staticmethod
    def score_set(pictures: Sequence[PictureScore]) -> dict[str, float]:
        """COCO's mean average precision, in [0, 1]; see `set_scores`.

        Returns:
            "agreement", with the answers to the originals as truth; "map" (IoU 0.50 to 0.95) and
            "map50" where every picture has labels.
        """
        return set_scores(_KIND, "map", [_matched[picture] for picture in pictures])


def _items(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """COCO's annotations; its columns are one number or one row an object."""
    items = []
    for number, (left, top, right, bottom) in enumerate(columns["xyxy"]):
        item = {
            "category_id": columns["class_ids"][number],
            "bbox": [left, top, right - left, bottom - top],
            "area": (right - left) * (bottom - top),
        }
        given = {"scores": "score", "is_crowd": "iscrowd"}
        items.append(
            item | {to: columns[key][number] for key, to in given.items() if key in columns}
        )
    return items


def _match(picture: PictureScore) -> dict[str, Matches]:
    return match_evidence(_KIND, picture.evidence, _items)


_matched = Kept(_match)
