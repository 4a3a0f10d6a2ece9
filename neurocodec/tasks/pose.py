"""Pose: where people's joints are. Scored by COCO's average precision over keypoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import torch

from neurocodec.images import Image
from neurocodec.networks.tensors import to_tensor
from neurocodec.tasks.average_precision import (
    CLEAN_SCORE,
    MAX_ANSWERS,
    Kept,
    Matches,
    match_evidence,
    set_scores,
)
from neurocodec.tasks.recognised import Recognised
from neurocodec.tasks.task import PictureScore
from neurocodec.tasks.truths import JOINTS, Floats, Keypoints

_KIND: Final = "keypoints"
_PERSON = 0
_VISIBLE = 2
# COCO's areas are of outlines; where there is only a box, the field takes this part of it.
_AREA_OF_BOX = 0.53


@dataclass(frozen=True, eq=False)
class People:
    """The people that a network found, the surest first, at most COCO's 20.

    Attributes:
        xy: (N, 17, 2), their joints in COCO's order, in pixels of the picture asked about.
        scores: (N,), in [0, 1].
        xyxy: (N, 4), boxes around them, in pixels.
    """

    xy: Floats
    scores: Floats
    xyxy: Floats


class Pose(Recognised):
    """A network for keypoints: torchvision's Keypoint R-CNN."""

    name: ClassVar[str] = "pose"

    @torch.inference_mode()
    def predict(self, images: Sequence[Image]) -> list[People]:
        """The people in each picture, of whatever sizes they are."""
        answers = [self._recogniser(to_tensor([image], self._device))[0] for image in images]
        return [_people(answer) for answer in answers]

    @staticmethod
    def score(answer: People, clean: People, truth: Keypoints | None) -> PictureScore:
        """The evidence that `score_set` matches: columns over the people, in pixels.

        Of `clean` only people surer than CLEAN_SCORE, with all their joints; "truth" is absent
        without labels.
        """
        evidence: dict[str, Any] = {
            "answer": {
                "keypoints": _rows(answer.xy, _all_visible(answer.xy)),
                "xyxy": np.round(answer.xyxy, 1).tolist(),
                "scores": np.round(answer.scores, 5).tolist(),
            },
            "clean": _clean_columns(clean),
        }
        if truth is not None:
            evidence["truth"] = {
                "keypoints": _rows(truth.xyv[..., :2], truth.xyv[..., 2]),
                "xyxy": np.round(truth.boxes.xyxy, 1).tolist(),
                "area": np.round(truth.boxes.area, 1).tolist(),
                "is_crowd": truth.boxes.is_crowd.astype(int).tolist(),
            }
        return PictureScore({}, evidence)

    @staticmethod
    def score_set(pictures: Sequence[PictureScore]) -> dict[str, float]:
        """COCO's average precision by object keypoint similarity, in [0, 1]; see `set_scores`.

        Returns:
            "agreement", with the answers to the originals as truth; "ap_keypoints" (similarity
            0.50 to 0.95) and "ap_keypoints50" where every picture has labels.
        """
        return set_scores(_KIND, "ap_keypoints", [_matched[picture] for picture in pictures])


def _people(answer: dict[str, torch.Tensor]) -> People:
    arrays = {key: value.double().cpu().numpy() for key, value in answer.items()}
    kept = np.argsort(-arrays["scores"], kind="stable")[: MAX_ANSWERS[_KIND]]
    return People(
        xy=arrays["keypoints"][kept, :, :2],
        scores=arrays["scores"][kept],
        xyxy=arrays["boxes"][kept],
    )


def _clean_columns(clean: People) -> dict[str, Any]:
    sure = clean.scores > CLEAN_SCORE
    boxes = clean.xyxy[sure]
    sides = boxes[:, 2:] - boxes[:, :2]
    return {
        "keypoints": _rows(clean.xy[sure], _all_visible(clean.xy[sure])),
        "xyxy": np.round(boxes, 1).tolist(),
        "area": np.round(_AREA_OF_BOX * sides[:, 0] * sides[:, 1], 1).tolist(),
    }


def _all_visible(xy: Floats) -> Floats:
    return np.full(xy.shape[:2], _VISIBLE, np.float64)


def _rows(xy: Floats, v: Floats) -> list[list[float]]:
    """COCO's rows of x, y, v of joint after joint."""
    rows: list[list[float]] = np.round(np.dstack([xy, v]), 1).reshape(-1, 3 * JOINTS).tolist()
    return rows


def _items(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """COCO's annotations; its columns are one number or one row a person."""
    items = []
    for person, (left, top, right, bottom) in enumerate(columns["xyxy"]):
        item = {
            "category_id": _PERSON,
            "keypoints": columns["keypoints"][person],
            "num_keypoints": sum(v > 0 for v in columns["keypoints"][person][2::3]),
            "bbox": [left, top, right - left, bottom - top],
            "area": (right - left) * (bottom - top),
        }
        given = {"scores": "score", "area": "area", "is_crowd": "iscrowd"}
        items.append(
            item | {to: columns[key][person] for key, to in given.items() if key in columns}
        )
    return items


def _match(picture: PictureScore) -> dict[str, Matches]:
    return match_evidence(_KIND, picture.evidence, _items)


_matched = Kept(_match)
