"""Segmentation: the class of every pixel, scored by mean intersection over union."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from neurocodec.images import Image
from neurocodec.tasks.ground_truth import VOID, ClassMap, Mask
from neurocodec.tasks.outlines import Outlines
from neurocodec.tasks.task import AGREEMENT, Metric, PictureScore, RecognitionTask

if TYPE_CHECKING:
    from torch import Tensor


class Segmentation(RecognitionTask):
    """Semantic segmentation by torchvision's DeepLabV3, FCN or LRASPP, or a graph of VOC's classes.

    "miou" and "pixel_accuracy" need masks; void pixels count nowhere. "agreement" is the mean IoU
    with the predictions on the originals as ground truth.
    """

    name: ClassVar[str] = "segmentation"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("miou", "mIoU", "mean IoU", percent=True, primary=True),
        Metric("pixel_accuracy", "pixel acc.", "pixel accuracy", percent=True, compared=False),
        AGREEMENT,
    )

    def predict(self, images: Sequence[Image]) -> list[ClassMap]:
        """The likeliest class of every pixel, (H, W) for each image; 0 is the background."""
        return [self._segment(image) for image in images]

    def _segment(self, image: Image) -> ClassMap:
        import torch
        from torch.nn import functional

        with torch.inference_mode():
            logits = self._shown(self._recogniser(self._tensor(image))["out"], image)
            size = (image.height, image.width)
            full = functional.interpolate(logits, size, mode="bilinear", align_corners=False)
            classes: ClassMap = full[0].argmax(dim=0).to(torch.uint8).cpu().numpy()
        return classes

    def _shown(self, logits: "Tensor", image: Image) -> "Tensor":
        """The part of the logits that is of the image and not of what it was padded with.

        The corners of TensorFlow's DeepLab are those of its input: 513 samples make 33 logits.
        """
        from torch.nn import functional

        preprocessing = self._recogniser.preprocessing
        if preprocessing is None or preprocessing.fit != "letterbox":
            return logits
        sides = (preprocessing.size, preprocessing.size)
        square = functional.interpolate(logits, sides, mode="bilinear", align_corners=True)
        height, width = preprocessing.fitted_size(image.height, image.width)
        return square[..., :height, :width]

    @staticmethod
    def score(
        prediction: ClassMap, clean_prediction: ClassMap, ground_truth: Mask | Outlines | None
    ) -> PictureScore:
        """Count pixels by class, as the evidence that `score_set` sums.

        Raises:
            BadInputError: the mask cannot be read, or is not of the image's size.
        """
        evidence = {"clean": _counts(prediction, clean_prediction)}
        if ground_truth is not None:
            evidence["truth"] = _counts(prediction, ground_truth.read())
        return PictureScore({}, evidence)

    @staticmethod
    def score_set(pictures: Sequence[PictureScore]) -> dict[str, float]:
        """Score all pixels of the set, in [0, 1].

        The mean IoU is over the classes, background included, that the ground truth or the
        prediction has. "miou" and "pixel_accuracy" are left out unless every image has a mask.
        """
        if not pictures:
            return {}
        agreement, _ = _set_scores(picture.evidence["clean"] for picture in pictures)
        scores = {"agreement": agreement}
        if all("truth" in picture.evidence for picture in pictures):
            miou, accuracy = _set_scores(picture.evidence["truth"] for picture in pictures)
            if not math.isnan(miou):
                scores |= {"miou": miou, "pixel_accuracy": accuracy}
        return scores


def _set_scores(counts: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    """Mean IoU and pixel accuracy of the counted pixels of a set; NaN without pixels."""
    intersection, union = np.zeros((2, VOID + 1), np.int64)
    pixels = 0
    for count in counts:
        pixels += count["pixels"]
        for class_id, right, either in count["by_class"]:
            intersection[class_id] += right
            union[class_id] += either
    if not pixels:
        return math.nan, math.nan
    occurs = union > 0
    return float(np.mean(intersection[occurs] / union[occurs])), float(intersection.sum() / pixels)


def _counts(prediction: ClassMap, ground_truth: ClassMap) -> dict[str, Any]:
    """Counted pixels, and rows of class, intersection, union for the classes that occur."""
    counted = ground_truth != VOID
    predicted, true = prediction[counted], ground_truth[counted]
    right = np.bincount(true[predicted == true], minlength=VOID + 1)
    either = np.bincount(predicted, minlength=VOID + 1) + np.bincount(true, minlength=VOID + 1)
    union = either - right
    rows = [[int(c), int(right[c]), int(union[c])] for c in union.nonzero()[0]]
    return {"pixels": int(counted.sum()), "by_class": rows}
