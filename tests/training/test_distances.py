"""Every D_m on tiny recognisers, and one real detector."""

import numpy as np
import pytest
import torch
from neurocodec.training.exchange import ExchangeRates
from neurocodec.training.windows import Example

from neurocodec.errors import BadInputError, UsageError
from neurocodec.networks.precision import precision
from neurocodec.networks.tensors import to_tensor
from neurocodec.tasks.ground_truth import COCO_CLASSES, Boxes
from neurocodec.training import distances, loop
from neurocodec.training.config import Config
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, conv, weights, write

EXACT = precision(torch.device("cpu"), amp=False)
DETECTOR_OPS = [
    conv("stem", "input", (3, 4), stride=8, kernel=9, pad=[1, 1, 1, 1], act="relu"),
    conv("reg", "stem", (4, 4)),
    conv("obj", "stem", (4, 1), act="sigmoid"),
    conv("cls", "stem", (4, 80), act="sigmoid"),
]
DETECTOR = {
    "input": {"size": 32, "mul": 0.002},
    "heads": [{"reg": "reg", "obj": "obj", "cls": "cls"}],
    "strides": [8],
    "ops": DETECTOR_OPS,
}


@pytest.fixture
def classifier(tmp_path):
    return str(write(tmp_path, CLASSIFIER))


@pytest.fixture
def detector(tmp_path):
    return str(write(tmp_path, DETECTOR, weights(DETECTOR_OPS)))


def load(model, **asked):
    (found,) = distances.load([model], "cpu", EXACT, **asked).values()
    return found


def boxes(*xyxy, class_id=0, is_crowd=False):
    sides = np.array(xyxy, float).reshape(-1, 4)
    count = len(sides)
    return Boxes(sides, np.full(count, class_id), np.full(count, is_crowd), np.ones(count))


def clean():
    return to_tensor([picture(32, 32, seed=seed) for seed in range(2)])


def worse(by):
    noise = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return (clean() + by * noise).clamp(0, 1)


OWN = [
    ("classification", None),
    ("classification", "kl"),
    ("classification", "features"),
    ("classification", "features:gamma=0:layer=stem"),
    ("classification", "kl+features:gamma=0.5"),
    ("detection", None),
]


@pytest.mark.parametrize(("task", "loss"), OWN)
def test_without_labels_it_is_zero_on_the_clean_picture_and_grows(task, loss, request):
    model = request.getfixturevalue("classifier" if task == "classification" else "detector")
    distance = load(model, task=task, loss=loss)
    answer = distance.answer(clean(), [None, None])
    values = [distance(answer, worse(by)) for by in (0.0, 0.05, 0.3)]

    assert values[0].tolist() == pytest.approx([0, 0], abs=1e-4)
    assert (values[0] < values[1]).all()
    assert (values[1] < values[2]).all()


@pytest.mark.parametrize(("task", "loss"), [*OWN, ("classification", "labels")])
def test_the_picture_gets_a_gradient_and_the_answer_none(task, loss, request):
    model = request.getfixturevalue("classifier" if task == "classification" else "detector")
    distance = load(model, task=task, loss=loss)
    x = clean().requires_grad_()
    answer = distance.answer(x, [3, 4])
    decoded = worse(0.1).requires_grad_()
    distance(answer, decoded).sum().backward()

    assert x.grad is None
    assert (decoded.grad.abs().sum((1, 2, 3)) > 0).all()


def test_labels_are_what_the_answer_is_held_to(classifier):
    distance = load(classifier, loss="labels")
    found = [distance(distance.answer(clean(), [k, k]), clean()) for k in range(10)]

    assert torch.exp(-torch.stack(found)).sum(0).tolist() == pytest.approx([1, 1], rel=1e-5)


def test_a_label_that_the_classifier_does_not_have(classifier):
    distance = load(classifier, loss="labels")

    with pytest.raises(BadInputError, match=r"class 10: tiny\.net has classes 0…9"):
        distance(distance.answer(clean(), [3, 10]), clean())


def test_the_last_term_is_the_mmd(classifier):
    without, half, whole = (
        load(classifier, loss=f"features:gamma={gamma}") for gamma in ("0", "0.5", "1")
    )
    values = [one(one.answer(clean(), []), worse(0.3)) for one in (without, half, whole)]

    assert torch.allclose(values[2] - values[0], 2 * (values[1] - values[0]), rtol=1e-3)
    assert (values[2] > values[0]).all()


def test_kl_and_features_are_added(classifier):
    found = [load(classifier, loss=loss) for loss in ("kl", "features", "kl+features")]
    kl, features, both = (one(one.answer(clean(), []), worse(0.3)) for one in found)

    assert torch.allclose(kl + features, both)
    assert (kl > 0).all()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"task": "pose"}, "known tasks are classification, detection"),
        ({"task": "detection"}, "made for classification, not for detection"),
        ({"loss": "answer"}, "the known ones are kl, labels, features"),
        ({"loss": "features:gamma=-1"}, "gamma must be at least 0"),
        ({"loss": "features:layer=none"}, "has no layer 'none'"),
        ({"loss": "labels:gamma=1"}, "has no setting 'gamma'"),
    ],
)
def test_what_does_not_fit_is_refused(classifier, asked, words):
    with pytest.raises(UsageError, match=words):
        load(classifier, **asked)


def test_a_detector_is_refused_where_its_answer_does_not_serve(detector):
    with pytest.raises(UsageError, match="add --task detection"):
        load(detector)
    with pytest.raises(UsageError, match="leave --loss labels out"):
        load(detector, task="detection", loss="labels")
    with pytest.raises(UsageError, match="add --loss labels"):
        load("ssdlite320_mobilenet_v3_large:random", task="detection")


def test_heads_that_say_too_little(tmp_path):
    ops = DETECTOR_OPS[:3]
    short = DETECTOR | {"heads": [{"reg": "reg", "obj": "obj"}], "ops": ops}
    path = write(tmp_path, short, weights(ops))

    with pytest.raises(BadInputError, match="reg, obj and cls of every head"):
        load(str(path), task="detection")


@pytest.fixture(scope="module")
def with_own_loss():
    return load("ssdlite320_mobilenet_v3_large:random", task="detection", loss="labels")


def test_torchvisions_detectors_bring_their_own_loss(with_own_loss):
    truths = [boxes((4, 4, 20, 24)), boxes((0, 10, 30, 20))]
    decoded = clean().requires_grad_()
    loss = with_own_loss(with_own_loss.answer(clean(), truths), decoded)
    loss.sum().backward()

    assert loss.shape == (2,)
    assert (loss > 0).all()
    assert (decoded.grad.abs().sum((1, 2, 3)) > 0).all()


def test_a_detectors_loss_leaves_it_as_it_was(with_own_loss):
    network = with_own_loss._recogniser.network
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    target = with_own_loss.answer(clean(), [boxes((4, 4, 20, 24))] * 2)
    first, again = (with_own_loss(target, clean()) for _ in range(2))

    assert torch.equal(first, again)
    assert not any(module.training for module in network.modules())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_boxes_are_labelled_as_torchvision_does_and_crowds_are_not_shown(with_own_loss):
    box, crowd = boxes((4, 4, 20, 24), class_id=79), boxes((1, 1, 9, 9), is_crowd=True)
    shown, hidden = with_own_loss.answer(clean(), [box, crowd])

    assert COCO_CLASSES[79] == "toothbrush"
    assert shown["labels"].tolist() == [90]
    assert hidden["boxes"].shape == (0, 4)
    with pytest.raises(BadInputError, match="does not know the data's class 80"):
        with_own_loss.answer(clean(), [boxes((4, 4, 20, 24), class_id=80)])


class SamePictures:
    """The same two pictures in every step, with their labels."""

    def batch(self, step):
        return [Example(picture(32, 32, seed=seed).pixels, truth=seed) for seed in range(2)]


@pytest.fixture
def distance(request, tmp_path):
    """What conftest's `algorithm` lowers: here (task, loss), for a tiny recogniser."""
    task, loss = request.param
    if task == "classification":
        return load(str(write(tmp_path, CLASSIFIER)), task=task, loss=loss)
    return load(str(write(tmp_path, DETECTOR, weights(DETECTOR_OPS))), task=task, loss=loss)


@pytest.mark.parametrize(
    "distance",
    [("classification", "labels"), ("detection", "answer")],
    indirect=True,
)
def test_twenty_steps_on_two_pictures_lower_it(algorithm, tmp_path):
    config = Config(tmp_path, tmp_path, max_steps=20, learning_rate=1e-2)
    heavy = ExchangeRates([0.0], {"small": [4.0]})
    with algorithm(qps=[34], micro_batch=2, rates=heavy) as made:
        before = made.gradients(SamePictures().batch(0), 0)
        loop.train(made, SamePictures(), config)
        after = made.gradients(SamePictures().batch(0), 0)

    assert after["d_m.small"] < 0.97 * before["d_m.small"]


def test_a_step_on_yolox(data_folder):
    model = data_folder("models") / "yolox_nano_416.safetensors"
    distance = load(str(model), task="detection")
    decoded = worse(0.1).requires_grad_()
    loss = distance(distance.answer(clean(), [None, None]), decoded)
    loss.sum().backward()

    assert (loss > 0).all()
    assert (decoded.grad.abs().sum((1, 2, 3)) > 0).all()
