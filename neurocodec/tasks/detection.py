"""Detection: objects and their boxes, scored by COCO's mean average precision."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neurocodec.images import Image
from neurocodec.tasks.average_precision import CLEAN_SCORE, set_scores
from neurocodec.tasks.ground_truth import Boxes, Floats, Ints
from neurocodec.tasks.task import AGREEMENT, Metric, PictureScore, RecognitionTask


@dataclass(frozen=True, eq=False)
class Detections:
    """Predicted objects, the surest first, at most 100.

    Attributes:
        xyxy: (N, 4), left, top, right, bottom, in pixels of the image.
        scores: (N,), in [0, 1].
        class_ids: (N,), see `class_ids`.
    """

    xyxy: Floats
    scores: Floats
    class_ids: Ints


class Detection(RecognitionTask):
    """Detection by torchvision's FCOS, Faster R-CNN, RetinaNet or SSD, or a YOLOX graph.

    "map" (IoU 0.50 to 0.95) and "map50" need boxes; "agreement" is mAP with the predictions on the
    originals as ground truth.
    """

    name: ClassVar[str] = "detection"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("map", "mAP", "mean average precision", percent=True, primary=True),
        Metric(
            "map50", "mAP50", "mean average precision at IoU 0.50", percent=True, compared=False
        ),
        AGREEMENT,
    )

    def __init__(self, model: str, device: str = "cpu") -> None:
        from neurocodec.tasks.detectors import detector

        super().__init__(model, device)
        self._detect = detector(self._recogniser)

    def predict(self, images: Sequence[Image]) -> list[Detections]:
        """The objects in each image, of whatever size."""
        return self._detect(images)

    @staticmethod
    def score(
        prediction: Detections, clean_prediction: Detections, ground_truth: Boxes | None
    ) -> PictureScore:
        """Collect the evidence that `score_set` matches: columns over the objects, in pixels.

        Clean predictions count above CLEAN_SCORE only; "truth" is absent without labels.
        """
        sure = clean_prediction.scores > CLEAN_SCORE
        evidence: dict[str, Any] = {
            "answer": {
                "xyxy": np.round(prediction.xyxy, 2).tolist(),
                "scores": np.round(prediction.scores, 5).tolist(),
                "class_ids": prediction.class_ids.tolist(),
            },
            "clean": {
                "xyxy": np.round(clean_prediction.xyxy[sure], 2).tolist(),
                "class_ids": clean_prediction.class_ids[sure].tolist(),
            },
        }
        if ground_truth is not None:
            evidence["truth"] = {
                "xyxy": np.round(ground_truth.xyxy, 2).tolist(),
                "class_ids": ground_truth.class_ids.tolist(),
                "is_crowd": ground_truth.is_crowd.astype(int).tolist(),
            }
        return PictureScore({}, evidence)

    @staticmethod
    def score_set(pictures: Sequence[PictureScore]) -> dict[str, float]:
        """COCO's mean average precision, in [0, 1]; see `set_scores`."""
        return set_scores("bbox", "map", pictures)
