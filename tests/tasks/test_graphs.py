"""Lists of operations that segment or find joints, made so that their answers are known."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from neurocodec import images, tasks
from neurocodec.errors import BadInputError
from neurocodec.images import Image
from neurocodec.networks.recognisers import load
from neurocodec.tasks import datasets
from neurocodec.tasks.ground_truth import Keypoints
from tests.tasks import graph_files

_, GREEN, BLUE = np.eye(3, dtype=np.uint8) * 255


@pytest.fixture
def colours(tmp_path):
    return graph_files.colours(tmp_path)


@pytest.fixture
def spots(tmp_path):
    return graph_files.spots(tmp_path)


@pytest.fixture
def movenet(tmp_path):
    return graph_files.movenet(tmp_path)


def flag(width, height):
    """Left half green, right half blue."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:, : width // 2], pixels[:, width // 2 :] = GREEN, BLUE
    return Image(pixels)


@pytest.mark.parametrize("size", [(60, 40), (40, 60), (33, 33), (7, 90), (1, 1)])
def test_a_letterboxed_segmentation_comes_back_in_place(colours, size):
    width, height = size
    (answer,) = tasks.create("segmentation", colours).predict([flag(*size)])
    assert answer.shape == (height, width)
    edge = max(1, max(size) // 33 + 1)
    assert (answer[:, : max(0, width // 2 - edge)] == 1).all()
    assert (answer[:, width // 2 + edge :] == 2).all()


def test_the_padding_is_0_after_preprocessing(colours):
    prepared = load(colours).prepare(torch.ones(1, 3, 10, 20))
    assert prepared.shape == (1, 3, 33, 33)
    assert (prepared[:, :, 17:] == 0).all() and (prepared[:, :, :16] > 0.9).all()


def joints_of(boxes):
    """A joint in the middle of each box: all 17 there."""
    xyv = np.full((len(boxes), 17, 3), 2.0)
    xyv[..., :2] = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None]
    count = len(boxes)
    return Keypoints(boxes, np.zeros(count, int), np.zeros(count, bool), np.ones(count), xyv)


def dotted(width, height, dots):
    """Black with a white spot of 5×5 pixels around every dot."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for x, y in dots:
        pixels[y - 2 : y + 3, x - 2 : x + 3] = 255
    return Image(pixels)


def test_joints_are_found_in_every_box(spots):
    dots = [(30, 40), (110, 52)]
    boxes = np.array([[10.0, 10, 50, 90], [90, 20, 140, 80]])
    image = dotted(160, 100, dots)
    (people,) = tasks.create("pose", spots).predict_at([image], [joints_of(boxes)])
    found = {tuple(box): xy for box, xy in zip(people.xyxy, people.xy, strict=True)}
    for box, dot in zip(boxes, dots, strict=True):
        assert np.abs(found[tuple(box)] - np.array(dot) - 0.5).max() < 2.5


def test_a_box_at_the_edge_and_a_crowd(spots):
    boxes = np.array([[0.0, 0, 20, 30], [50, 50, 90, 90]])
    truth = joints_of(boxes)
    truth.is_crowd[1] = True
    (people,) = tasks.create("pose", spots).predict_at([dotted(100, 100, [(4, 5)])], [truth])
    assert len(people.xy) == 1 and np.abs(people.xy[0] - [4.5, 5.5]).max() < 2.5
    nobody = joints_of(np.zeros((0, 4)))
    (none,) = tasks.create("pose", spots).predict_at([dotted(20, 20, [])], [nobody])
    assert none.xy.shape == (0, 17, 2)


def test_a_graph_needs_the_people_s_boxes(spots):
    with pytest.raises(BadInputError, match="one person at a time"):
        tasks.create("pose", spots).predict([dotted(20, 20, [])])


def test_movenet_s_joints_are_by_the_map_and_by_what_the_person_expects(movenet):
    """All dark but one place, two cells right of the middle: there the joints are."""
    box = np.array([[0.0, 0, 48 / 1.25, 48 / 1.25]]) + (48 - 48 / 1.25) / 2
    pixels = np.zeros((48, 48, 3), np.uint8)
    pixels[24, 26] = 255
    (people,) = tasks.create("pose", movenet).predict_at([Image(pixels)], [joints_of(box)])
    assert np.abs(people.xy[0] - [26.5, 24.0]).max() < 1e-6
    assert people.scores[0] == pytest.approx(1 / (1 + np.exp(-3.0)), abs=1e-6)


def test_heads_that_cannot_be_read(movenet):
    path = Path(movenet).with_suffix(".json")
    description = json.loads(path.read_text())
    del description["heads"]["offset"]
    path.write_text(json.dumps(description))
    with pytest.raises(BadInputError, match="its heads must name center, heatmap, regress, offset"):
        tasks.create("pose", movenet)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "semantic segmentation", "input": {"size": 64}}, "no map of 21 channels"),
        ({"input": {"size": [64]}}, "the size of the input"),
        ({"input": {"size": 0}}, "the size of the input"),
        ({"output": "nothing"}, "no op computes"),
    ],
)
def test_descriptions_that_fit_no_task_are_refused(spots, change, message):
    path = Path(spots).with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BadInputError, match=message):
        load(spots)


def test_the_padding_is_0_where_channels_are_shifted_apart(colours):
    path = Path(colours).with_suffix(".json")
    described = json.loads(path.read_text())
    described["input"] = {"size": 33, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]}
    path.write_text(json.dumps(described))
    prepared = load(colours).prepare(torch.ones(1, 3, 10, 20))
    assert (prepared[:, :, 17:] == 0).all() and (prepared[:, :, :16] > 0.5).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "folder", "scores"),
    [
        ("ultralight_simplepose", "detection/val2017", {"ap_keypoints": 0.506}),
        ("movenet_lightning_192", "detection/val2017", {"ap_keypoints": 0.354}),
    ],
)
def test_real_estimators_have_their_published_scores(data_folder, model, folder, scores):
    task = tasks.create("pose", str(data_folder("models") / f"{model}.safetensors"))
    data = datasets.read(data_folder(folder), "pose")
    seen = []
    for picture in data.pictures:
        image = images.read(picture.path.read_bytes(), str(picture.path))
        (answer,) = task.predict_at([image], [picture.ground_truth])
        seen.append(task.score(answer, answer, picture.ground_truth))
    measured = task.score_set(seen)
    assert {name: measured[name] for name in scores} == pytest.approx(scores, abs=0.002)
