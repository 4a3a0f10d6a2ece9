"""From a detector's own outputs to what it found, in one form for every detector."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
from neurocodec.networks.recognisers.preprocessing import Preprocessing
from neurocodec.networks.tensors import to_tensor
from neurocodec.tasks.truths import COCO_CLASSES, Floats, Ints, class_ids

MAX_OBJECTS = 100
MIN_SCORE = 0.01
NMS_IOU = 0.65

_TORCHVISION_CLASSES: list[str] = FCOS_ResNet50_FPN_Weights.COCO_V1.meta["categories"]


@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector found, the surest first, at most MAX_OBJECTS.

    Attributes:
        xyxy: (N, 4), left, top, right, bottom, in pixels of the picture asked about.
        scores: (N,), in [0, 1].
        class_ids: (N,), see `truths.class_ids`.
    """

    xyxy: Floats
    scores: Floats
    class_ids: Ints


Detector = Callable[[Sequence[Image]], list[Detections]]


def detector(recogniser: Recogniser) -> Detector:
    """The function that asks the recogniser.

    YOLOX as a list of operations keeps what scores above MIN_SCORE, with NMS a class at NMS_IOU,
    as its authors' evaluation does. Torchvision's detectors follow their own settings; their
    classes are COCO's, or those that a list `classes` in the description names.

    Raises:
        BadInputError: the description does not say how to read the outputs.
    """
    if "heads" in recogniser.description:
        return _yolox(recogniser)
    table = class_table(recogniser)
    return lambda images: [_ask_torchvision(recogniser, table, image) for image in images]


def _yolox(recogniser: Recogniser) -> Detector:
    description, preprocessing = recogniser.description, recogniser.preprocessing
    heads, strides = description["heads"], description.get("strides", [])
    complete = all({"reg", "obj", "cls"} <= head.keys() for head in heads)
    if len(strides) != len(heads) or not complete or preprocessing is None:
        raise BadInputError(
            f"{recogniser.name}: its description must say reg, obj and cls of every head, and as "
            "many strides"
        )
    return partial(_ask_yolox, recogniser, preprocessing)


def _ask_yolox(
    recogniser: Recogniser, preprocessing: Preprocessing, images: Sequence[Image]
) -> list[Detections]:
    if not images:
        return []
    device = _device(recogniser)
    prepared = torch.cat([recogniser.prepare(to_tensor([image], device)) for image in images])
    boxes, scores = _decode(recogniser.answer(prepared), recogniser.description)
    return [
        _selected(b, s, preprocessing.size, image)
        for b, s, image in zip(boxes, scores, images, strict=True)
    ]


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


def _selected(boxes: Tensor, scores: Tensor, side: int, image: Image) -> Detections:
    anchors, classes = (scores > MIN_SCORE).nonzero(as_tuple=True)
    candidates, sure = boxes[anchors], scores[anchors, classes]
    kept = batched_nms(candidates, sure, classes, NMS_IOU)[:MAX_OBJECTS]
    scale = max(image.width, image.height) / side
    size = np.array([image.width, image.height] * 2)
    return Detections(
        xyxy=np.clip(_array(candidates[kept]) * scale, 0, size),
        scores=_array(sure[kept]),
        class_ids=classes[kept].cpu().numpy(),
    )


def class_table(recogniser: Recogniser) -> Ints:
    """From torchvision's label to the class id; -1 where a label means no class."""
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


def _ask_torchvision(recogniser: Recogniser, table: Ints, image: Image) -> Detections:
    (found,) = recogniser(to_tensor([image], _device(recogniser)))
    ids = table[found["labels"].cpu().numpy()]
    order = np.argsort(-_array(found["scores"]), kind="stable")
    kept = order[ids[order] >= 0][:MAX_OBJECTS]
    return Detections(_array(found["boxes"])[kept], _array(found["scores"])[kept], ids[kept])


def _device(recogniser: Recogniser) -> torch.device:
    return next(recogniser.parameters()).device


def _array(x: Tensor) -> Floats:
    return x.double().cpu().numpy()
