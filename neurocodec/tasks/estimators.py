"""Pose estimators: their outputs brought into one form.

A graph is shown one person at a time, cut out by the box that the data set has of it, as
SimplePose and MoveNet are measured: what is scored is the joints, not the finding of people.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from neurocodec.errors import BadInputError
from neurocodec.images import Image
from neurocodec.networks.recognisers import Recogniser
from neurocodec.networks.recognisers.preprocessing import input_size
from neurocodec.networks.tensors import to_tensor
from neurocodec.tasks.average_precision import MAX_PREDICTIONS
from neurocodec.tasks.ground_truth import JOINTS, Floats, Keypoints
from neurocodec.tasks.pose import People

_WIDENED = 1.25  # of a person's box, as both networks were trained
_NEAR = 1.8  # cells of MoveNet's map, added to a joint's distance from where it is expected

Estimator = Callable[[Image, Keypoints | None], People]


def estimator(recogniser: Recogniser) -> Estimator:
    """The function from an image and its true people to the predicted ones.

    Torchvision's Keypoint R-CNN finds the people itself. A graph's description says how to read
    it: `output`, a map of every joint, or `heads` (center, heatmap, regress, offset), MoveNet's.
    """
    description = recogniser.description
    if recogniser.preprocessing is None:
        return partial(_torchvision_people, recogniser)
    joints = _movenet_joints if description.get("heads") else _maps_joints
    return partial(_people_in_boxes, recogniser, joints)


@torch.inference_mode()
def _torchvision_people(recogniser: Recogniser, image: Image, truth: Keypoints | None) -> People:
    (prediction,) = recogniser(to_tensor([image], recogniser.device))
    arrays = {key: value.double().cpu().numpy() for key, value in prediction.items()}
    surest = np.argsort(-arrays["scores"], kind="stable")[: MAX_PREDICTIONS["keypoints"]]
    return People(
        xy=arrays["keypoints"][surest, :, :2],
        scores=arrays["scores"][surest],
        xyxy=arrays["boxes"][surest],
    )


_Joints = Callable[[Recogniser, Tensor], tuple[Tensor, Tensor]]
"""From people cut out, (N, 3, h, w), to joints, (N, 17, 2) in [0, 1], and scores, (N, 17)."""


@torch.inference_mode()
def _people_in_boxes(
    recogniser: Recogniser, joints: _Joints, image: Image, truth: Keypoints | None
) -> People:
    if truth is None:
        raise BadInputError(
            f"{recogniser.name}: is shown one person at a time: it needs data with people's boxes "
            "(person_keypoints*.json)"
        )
    boxes = truth.xyxy[~truth.is_crowd]
    if not len(boxes):
        return People(np.zeros((0, JOINTS, 2)), np.zeros(0), boxes)
    height, width = input_size(recogniser.description["input"])
    windows = _windows(boxes, width / height)
    picture = to_tensor([image], recogniser.device)
    people = torch.cat([_cut_out(picture, window, height, width) for window in windows])
    places, scores = joints(recogniser, recogniser.prepare(people))
    corners, sides = windows[:, None, :2], (windows[:, 2:] - windows[:, :2])[:, None]
    found = scores.mean(1).double().cpu().numpy()
    order = np.argsort(-found, kind="stable")[: MAX_PREDICTIONS["keypoints"]]
    xy = places.double().cpu().numpy() * sides + corners
    return People(xy=xy[order], scores=found[order], xyxy=boxes[order])


def _windows(boxes: Floats, aspect: float) -> Floats:
    """Boxes widened to an aspect, width over height, and by _WIDENED: left, top, right, bottom."""
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    widths = np.maximum(np.maximum(sides[:, 0], sides[:, 1] * aspect), 1) * _WIDENED
    halves = np.stack([widths, widths / aspect], axis=1) / 2
    return np.hstack([centres - halves, centres + halves])


def _cut_out(picture: Tensor, window: Floats, height: int, width: int) -> Tensor:
    """The window of the picture, (1, 3, height, width), black where it is outside."""
    high, wide = picture.shape[-2:]
    left, top, right, bottom = (float(edge) for edge in window)
    x = left + (torch.arange(width, device=picture.device) + 0.5) * ((right - left) / width)
    y = top + (torch.arange(height, device=picture.device) + 0.5) * ((bottom - top) / height)
    rows, columns = torch.meshgrid(2 * y / high - 1, 2 * x / wide - 1, indexing="ij")
    grid = torch.stack([columns, rows], dim=-1)[None]
    people: Tensor = functional.grid_sample(picture, grid, align_corners=False)
    return people


def _maps_joints(recogniser: Recogniser, people: Tensor) -> tuple[Tensor, Tensor]:
    """The maximum of each joint's map, moved a quarter of a cell to the larger neighbour."""
    (maps,) = recogniser.predict(people).values()
    rows, columns = maps.shape[-2:]
    scores, places = maps.flatten(2).max(2)
    y, x = places // columns, places % columns
    padded = functional.pad(maps, (1, 1, 1, 1), mode="replicate")
    batch, joint = torch.meshgrid(*(torch.arange(n) for n in maps.shape[:2]), indexing="ij")
    inside = (x > 0) & (x < columns - 1) & (y > 0) & (y < rows - 1)

    def towards(dx: int, dy: int) -> Tensor:
        after = padded[batch, joint, y + 1 + dy, x + 1 + dx]
        before = padded[batch, joint, y + 1 - dy, x + 1 - dx]
        moved: Tensor = (after - before).sign() * inside / 4
        return moved

    xy = torch.stack([(x + towards(1, 0)) / columns, (y + towards(0, 1)) / rows], dim=-1)
    return xy, scores


def _movenet_joints(recogniser: Recogniser, people: Tensor) -> tuple[Tensor, Tensor]:
    """MoveNet's: the person nearest the middle, then each joint near where that person has it."""
    outputs, heads = recogniser.predict(people), recogniser.description["heads"]
    centre, heat, regress, offset = (
        outputs[heads[name]] for name in ("center", "heatmap", "regress", "offset")
    )
    rows, columns = heat.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(rows, device=heat.device),
        torch.arange(columns, device=heat.device),
        indexing="ij",
    )
    from_middle = ((y - rows // 2) ** 2 + (x - columns // 2) ** 2).sqrt()
    people_scores = centre.sigmoid()[:, 0] / (from_middle + _NEAR)
    best = people_scores.flatten(1).argmax(1)
    batch = torch.arange(len(heat), device=heat.device)
    at_centre = regress.flatten(2)[batch, :, best].unflatten(1, (JOINTS, 2))  # dy, dx
    expected_y = (best // columns)[:, None] + at_centre[..., 0]
    expected_x = (best % columns)[:, None] + at_centre[..., 1]
    away = ((y - expected_y[..., None, None]) ** 2 + (x - expected_x[..., None, None]) ** 2).sqrt()
    joint_scores = heat.sigmoid()
    places = (joint_scores / (away + _NEAR)).flatten(2).argmax(2)
    scores = joint_scores.flatten(2).gather(2, places[..., None])[..., 0]
    moved = (
        offset.unflatten(1, (JOINTS, 2))
        .flatten(3)
        .gather(3, places[:, :, None, None].expand(-1, -1, 2, 1))[..., 0]
    )
    found = torch.stack([places % columns + moved[..., 1], places // columns + moved[..., 0]], -1)
    xy: Tensor = found / found.new_tensor([columns, rows])
    return xy, scores
