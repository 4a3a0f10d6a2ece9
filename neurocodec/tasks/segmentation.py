"""Segmentation: the class of every pixel. Scored by mean intersection over union."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch.nn import functional

from neurocodec.errors import BadInputError
from neurocodec.files import display
from neurocodec.images import Image
from neurocodec.networks.tensors import to_tensor
from neurocodec.tasks.recognised import Recognised
from neurocodec.tasks.task import PictureScore
from neurocodec.tasks.truths import VOID, ClassMap, Mask


class Segmentation(Recognised):
    """A segmentation network: torchvision's DeepLabV3 (or its FCN, LRASPP)."""

    name: ClassVar[str] = "segmentation"

    def predict(self, images: Sequence[Image]) -> list[ClassMap]:
        """The likeliest class of every pixel, (H, W) of each picture; 0 is the background."""
        return [self._segment(image) for image in images]

    @torch.inference_mode()
    def _segment(self, image: Image) -> ClassMap:
        logits = self._recogniser(to_tensor([image], self._device))["out"]
        size = (image.height, image.width)
        full = functional.interpolate(logits, size, mode="bilinear", align_corners=False)
        classes: ClassMap = full[0].argmax(dim=0).to(torch.uint8).cpu().numpy()
        return classes

    @staticmethod
    def score(answer: ClassMap, clean: ClassMap, truth: Mask | None) -> PictureScore:
        """The evidence that `score_set` sums: pixels by class, against the clean answer and truth.

        Raises:
            BadInputError: the mask cannot be read, or is not of the picture's size.
        """
        evidence = {"clean": _counts(answer, clean)}
        if truth is not None:
            mask = truth.read()
            if mask.shape != answer.shape:
                raise BadInputError(
                    f"{display(truth.path)}: is {mask.shape[1]}×{mask.shape[0]} for a picture of "
                    f"{answer.shape[1]}×{answer.shape[0]}"
                )
            evidence["truth"] = _counts(answer, mask)
        return PictureScore({}, evidence)

    @staticmethod
    def score_set(pictures: Sequence[PictureScore]) -> dict[str, float]:
        """The scores over all pixels of the set, in [0, 1].

        Intersection over union is the mean over the classes that are in the truth or the answer,
        the background among them; void pixels count nowhere.

        Returns:
            "agreement": of intersection over union, with the answers to the originals as truth;
            "miou" and "pixel_accuracy" where every picture has a mask.
        """
        if not pictures:
            return {}
        clean = _Totals(picture.evidence["clean"] for picture in pictures)
        scores = {"agreement": clean.mean_iou()}
        if all("truth" in picture.evidence for picture in pictures):
            truth = _Totals(picture.evidence["truth"] for picture in pictures)
            if truth.union:
                scores |= {"miou": truth.mean_iou(), "pixel_accuracy": truth.accuracy()}
        return scores


class _Totals:
    """Pixels by class over a set of pictures."""

    def __init__(self, counts: Iterable[Mapping[str, Any]]) -> None:
        self.intersection: Counter[int] = Counter()
        self.union: Counter[int] = Counter()
        self.pixels = 0
        for count in counts:
            self.pixels += count["pixels"]
            for class_id, intersection, union in count["by_class"]:
                self.intersection[class_id] += intersection
                self.union[class_id] += union

    def mean_iou(self) -> float:
        """Over the classes with a union."""
        return float(np.mean([self.intersection[c] / u for c, u in self.union.items()]))

    def accuracy(self) -> float:
        """The part of the pixels whose class is right."""
        return self.intersection.total() / self.pixels


def _counts(answer: ClassMap, truth: ClassMap) -> dict[str, Any]:
    """Counted pixels, and rows of class, intersection, union for the classes that are there."""
    counted = truth != VOID
    said, true = answer[counted], truth[counted]
    right = np.bincount(true[said == true], minlength=VOID + 1)
    union = np.bincount(said, minlength=VOID + 1) + np.bincount(true, minlength=VOID + 1) - right
    rows = [[int(c), int(right[c]), int(union[c])] for c in union.nonzero()[0]]
    return {"pixels": int(counted.sum()), "by_class": rows}
