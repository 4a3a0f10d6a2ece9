"""Pose: people's joints, scored by COCO's average precision over keypoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neurocodec.images import Image
from neurocodec.tasks.average_precision import CLEAN_SCORE, set_scores
from neurocodec.tasks.ground_truth import JOINTS, Floats, Keypoints
from neurocodec.tasks.task import AGREEMENT, Metric, PictureScore, RecognitionTask

_VISIBLE = 2
# COCO's areas are of outlines; where the data has only a box, this share of it stands for them.
_AREA_OF_BOX = 0.53


@dataclass(frozen=True, eq=False)
class People:
    """Predicted people, the surest first, at most COCO's 20.

    Attributes:
        xy: (N, 17, 2), their joints in COCO's order, in pixels of the image.
        scores: (N,), in [0, 1].
        xyxy: (N, 4), boxes around them, in pixels.
    """

    xy: Floats
    scores: Floats
    xyxy: Floats


class Pose(RecognitionTask):
    """Pose by torchvision's Keypoint R-CNN, or by a graph that is shown the people in their boxes.

    "ap_keypoints" (object keypoint similarity 0.50 to 0.95) and "ap_keypoints50" need keypoints;
    "agreement" is the former with the predictions on the originals as ground truth.
    """

    name: ClassVar[str] = "pose"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("ap_keypoints", "keypoint AP", "keypoint AP", percent=True, primary=True),
        Metric("ap_keypoints50", "AP50", "keypoint AP at OKS 0.50", percent=True, compared=False),
        AGREEMENT,
    )

    def __init__(self, model: str, device: str = "cpu") -> None:
        from neurocodec.tasks.estimators import estimator

        super().__init__(model, device)
        self._estimate = estimator(self._recogniser)

    def predict(self, images: Sequence[Image]) -> list[People]:
        """The people in each image, of whatever size."""
        return self.predict_at(images, [None] * len(images))

    def predict_at(
        self, images: Sequence[Image], ground_truth: Sequence[Keypoints | None]
    ) -> list[People]:
        """The people in each image, by a graph those in the true boxes."""
        return [self._estimate(*each) for each in zip(images, ground_truth, strict=True)]

    @staticmethod
    def score(
        prediction: People, clean_prediction: People, ground_truth: Keypoints | None
    ) -> PictureScore:
        """Collect the evidence that `score_set` matches: columns over the people, in pixels.

        Clean predictions count above CLEAN_SCORE only, with all their joints; "truth" is absent
        without labels.
        """
        evidence: dict[str, Any] = {
            "answer": {
                "keypoints": _rows(prediction.xy),
                "xyxy": np.round(prediction.xyxy, 1).tolist(),
                "scores": np.round(prediction.scores, 5).tolist(),
            },
            "clean": _clean_columns(clean_prediction),
        }
        if ground_truth is not None:
            evidence["truth"] = {
                "keypoints": _rows(ground_truth.xyv[..., :2], ground_truth.xyv[..., 2]),
                "xyxy": np.round(ground_truth.xyxy, 1).tolist(),
                "area": np.round(ground_truth.area, 1).tolist(),
                "is_crowd": ground_truth.is_crowd.astype(int).tolist(),
            }
        return PictureScore({}, evidence)

    @staticmethod
    def score_set(pictures: Sequence[PictureScore]) -> dict[str, float]:
        """COCO's average precision by object keypoint similarity, in [0, 1]; see `set_scores`."""
        return set_scores("keypoints", "ap_keypoints", pictures)


def _clean_columns(clean: People) -> dict[str, Any]:
    sure = clean.scores > CLEAN_SCORE
    boxes = clean.xyxy[sure]
    sides = boxes[:, 2:] - boxes[:, :2]
    return {
        "keypoints": _rows(clean.xy[sure]),
        "xyxy": np.round(boxes, 1).tolist(),
        "area": np.round(_AREA_OF_BOX * sides[:, 0] * sides[:, 1], 1).tolist(),
    }


def _rows(xy: Floats, v: Floats | None = None) -> list[list[float]]:
    """COCO's rows of x, y, v of joint after joint; all are visible without v."""
    visibility = np.full(xy.shape[:2], _VISIBLE, np.float64) if v is None else v
    flat = np.round(np.dstack([xy, visibility]), 1).reshape(-1, 3 * JOINTS)
    rows: list[list[float]] = flat.tolist()
    return rows
