"""Detectors: their outputs brought into one form."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection import FCOS_ResNet50_FPN_Weights
from torchvision.ops import batched_nms

from neurocodec.errors import BadInputError
from neurocodec.images import Image
from neurocodec.networks.recognisers import Recogniser
from neurocodec.networks.tensors import to_tensor
from neurocodec.tasks.detection import Detections
from neurocodec.tasks.ground_truth import COCO_CLASSES, Floats, Ints, class_ids

MAX_OBJECTS = 100
MIN_SCORE = 0.01
NMS_IOU = 0.65

_TORCHVISION_CLASSES: list[str] = FCOS_ResNet50_FPN_Weights.COCO_V1.meta["categories"]


Detector = Callable[[Sequence[Image]], list[Detections]]


def detector(recogniser: Recogniser) -> Detector:
    """The function from images to the recogniser's detections.

    A YOLOX graph keeps objects that score above MIN_SCORE, with NMS a class at NMS_IOU, as its
    authors' evaluation does. Torchvision's detectors follow their own settings; their classes are
    COCO's, or those that a list `classes` in the description names.

    Raises:
        BadInputError: the description does not say how to read the outputs.
    """
    description = recogniser.description
    if "heads" not in description:
        return partial(_detect_torchvision, recogniser, class_table(recogniser))
    complete = all({"reg", "obj", "cls"} <= head.keys() for head in description["heads"])
    if not complete or len(description.get("strides", [])) != len(description["heads"]):
        raise BadInputError(
            f"{recogniser.name}: its description must say reg, obj and cls of every head, and as "
            "many strides"
        )
    return partial(_detect_yolox, recogniser)


@torch.inference_mode()
def _detect_yolox(recogniser: Recogniser, images: Sequence[Image]) -> list[Detections]:
    if not images:
        return []
    prepared = recogniser.prepare_images(images)
    boxes, scores = _decode(recogniser.predict(prepared), recogniser.description)
    side = prepared.shape[-1]
    return [_selected(*each, side) for each in zip(boxes, scores, images, strict=True)]


def _decode(outputs: Mapping[str, Tensor], description: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Boxes (N, A, 4) in pixels of the network's input, and scores (N, A, classes)."""
    boxes, scores = [], []
    for head, stride in zip(description["heads"], description["strides"], strict=True):
        reg, obj, cls = (outputs[head[part]].flatten(2).mT for part in ("reg", "obj", "cls"))
        rows, columns = outputs[head["reg"]].shape[2:]
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        cells = torch.stack([x, y], dim=-1).flatten(0, 1).to(reg)
        centre, size = (reg[..., :2] + cells) * stride, reg[..., 2:].exp() * stride
        boxes.append(torch.cat([centre - size / 2, centre + size / 2], dim=-1))
        scores.append(obj * cls)
    return torch.cat(boxes, dim=1), torch.cat(scores, dim=1)


def _selected(boxes: Tensor, scores: Tensor, image: Image, side: int) -> Detections:
    anchors, classes = (scores > MIN_SCORE).nonzero(as_tuple=True)
    candidates, sure = boxes[anchors], scores[anchors, classes]
    best = batched_nms(candidates, sure, classes, NMS_IOU)[:MAX_OBJECTS]
    scale = max(image.width, image.height) / side
    size = np.array([image.width, image.height] * 2)
    return Detections(
        xyxy=np.clip(_array(candidates[best]) * scale, 0, size),
        scores=_array(sure[best]),
        class_ids=classes[best].cpu().numpy(),
    )


def class_table(recogniser: Recogniser) -> Ints:
    """The class id of each of torchvision's labels; -1 where a label means no class."""
    named = recogniser.description.get("classes")
    if isinstance(named, list):
        table = [-1, *class_ids(named).values()]
    else:
        known = {name: index for index, name in enumerate(COCO_CLASSES)}
        table = [known.get(name, -1) for name in _TORCHVISION_CLASSES]
    labels = recogniser.description.get("settings", {}).get("num_classes", len(table))
    if labels != len(table):
        raise BadInputError(
            f"{recogniser.name}: has {labels} labels for {len(table)} names: list the names of "
            'all but the first, the background, as "classes" in its JSON file'
        )
    return np.array(table, np.int64)


@torch.inference_mode()
def _detect_torchvision(
    recogniser: Recogniser, table: Ints, images: Sequence[Image]
) -> list[Detections]:
    detections = []
    for image in images:
        (output,) = recogniser(to_tensor([image], recogniser.device))
        ids = table[output["labels"].cpu().numpy()]
        boxes, scores = _array(output["boxes"]), _array(output["scores"])
        order = np.argsort(-scores, kind="stable")
        best = order[ids[order] >= 0][:MAX_OBJECTS]
        detections.append(Detections(boxes[best], scores[best], ids[best]))
    return detections


def _array(x: Tensor) -> Floats:
    return x.double().cpu().numpy()
