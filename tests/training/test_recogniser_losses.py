"""D_m of tiny recognisers, and of one real detector."""

import numpy as np
import pytest
import torch

from neurocodec import losses
from neurocodec.errors import BadInputError, UsageError
from neurocodec.losses import Recognition
from neurocodec.losses.classification import kl_divergence
from neurocodec.measures.slope import Slope
from neurocodec.networks.precision import precision
from neurocodec.networks.tensors import to_tensor
from neurocodec.tasks.ground_truth import COCO_CLASSES, Boxes
from neurocodec.training import loop
from neurocodec.training.config import Config
from neurocodec.training.crops import Example
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


def load(model, **options):
    (one,) = losses.load(Recognition([model], **options), "cpu", EXACT).values()
    return one


def boxes(*xyxy, class_id=0, is_crowd=False):
    sides = np.array(xyxy, float).reshape(-1, 4)
    count = len(sides)
    return Boxes(sides, np.full(count, class_id), np.full(count, is_crowd), np.ones(count))


def clean():
    return to_tensor([picture(32, 32, seed=seed) for seed in range(2)])


def worse(by):
    noise = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return (clean() + by * noise).clamp(0, 1)


UNLABELLED = [
    ("classification", None),
    ("classification", "kl"),
    ("classification", "features"),
    ("classification", "features:gamma=0:layer=stem"),
    ("classification", "kl+features:gamma=0.5"),
    ("detection", None),
    ("detection", "answer"),
]


@pytest.mark.parametrize(("task", "loss"), UNLABELLED)
def test_without_labels_it_is_zero_on_the_clean_picture_and_grows(task, loss, request):
    model = request.getfixturevalue("classifier" if task == "classification" else "detector")
    d_m = load(model, task=task, loss=loss)
    target = d_m.target(clean(), [None, None])
    values = [d_m(target, worse(by)) for by in (0.0, 0.05, 0.3)]

    assert values[0].tolist() == pytest.approx([0, 0], abs=1e-4)
    assert (values[0] < values[1]).all()
    assert (values[1] < values[2]).all()


@pytest.mark.parametrize(("task", "loss"), [*UNLABELLED, ("classification", "labels")])
def test_the_picture_gets_a_gradient_and_the_target_none(task, loss, request):
    model = request.getfixturevalue("classifier" if task == "classification" else "detector")
    d_m = load(model, task=task, loss=loss)
    x = clean().requires_grad_()
    target = d_m.target(x, [3, 4])
    decoded = worse(0.1).requires_grad_()
    d_m(target, decoded).sum().backward()

    assert x.grad is None
    assert (decoded.grad.abs().sum((1, 2, 3)) > 0).all()


def test_kl_of_softened_predictions(classifier):
    d_m, softened = load(classifier), load(classifier, loss="kl:temperature=4")
    target = d_m.target(clean(), [])
    decoded = d_m.target(worse(0.3), [])

    assert torch.equal(softened.target(clean(), []), target)
    expected = 16 * kl_divergence(target / 4, decoded / 4)
    assert torch.allclose(softened(target, worse(0.3)), expected, rtol=1e-4, atol=1e-7)
    assert not torch.allclose(expected, d_m(target, worse(0.3)), rtol=0.01)


@pytest.mark.parametrize("temperature", ["0", "-1", "nan", "inf"])
def test_a_temperature_out_of_range_is_refused(classifier, temperature):
    with pytest.raises(UsageError, match="goes from above 0"):
        load(classifier, loss=f"kl:temperature={temperature}")


def test_with_labels_it_is_their_surprise(classifier):
    d_m = load(classifier, loss="labels")
    values = [d_m(d_m.target(clean(), [k, k]), clean()) for k in range(10)]

    assert torch.exp(-torch.stack(values)).sum(0).tolist() == pytest.approx([1, 1], rel=1e-5)


def test_a_label_that_the_classifier_does_not_have(classifier):
    d_m = load(classifier, loss="labels")

    with pytest.raises(BadInputError, match=r"class 10: tiny\.net has classes 0…9"):
        d_m(d_m.target(clean(), [3, 10]), clean())


def test_the_last_term_is_the_mmd(classifier):
    without, half, full = (
        load(classifier, loss=f"features:gamma={gamma}") for gamma in ("0", "0.5", "1")
    )
    values = [one(one.target(clean(), []), worse(0.3)) for one in (without, half, full)]

    assert torch.allclose(values[2] - values[0], 2 * (values[1] - values[0]), rtol=1e-3)
    assert (values[2] > values[0]).all()


def test_kl_and_features_are_added(classifier):
    parts = [load(classifier, loss=loss) for loss in ("kl", "features", "kl+features")]
    kl, features, both = (one(one.target(clean(), []), worse(0.3)) for one in parts)

    assert torch.allclose(kl + features, both)
    assert (kl > 0).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"task": "fidelity"}, "known tasks are classification, detection, segmentation, pose"),
        ({"task": "detection"}, "made for classification, not for detection"),
        ({"loss": "prediction"}, "the known ones are kl, labels, features"),
        ({"loss": "features:gamma=-1"}, "gamma must be at least 0"),
        ({"loss": "features:layer=none"}, "has no layer 'none'"),
        ({"loss": "labels:gamma=1"}, "has no setting 'gamma'"),
    ],
)
def test_what_does_not_fit_is_refused(classifier, options, words):
    with pytest.raises(UsageError, match=words):
        load(classifier, **options)


def test_a_detector_is_refused_where_its_prediction_does_not_serve(detector):
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
def trained_on_labels():
    return load("ssdlite320_mobilenet_v3_large:random", task="detection", loss="labels")


def test_torchvisions_detectors_bring_their_loss(trained_on_labels):
    ground_truth = [boxes((4, 4, 20, 24)), boxes((0, 10, 30, 20))]
    decoded = clean().requires_grad_()
    loss = trained_on_labels(trained_on_labels.target(clean(), ground_truth), decoded)
    loss.sum().backward()

    assert loss.shape == (2,)
    assert (loss > 0).all()
    assert (decoded.grad.abs().sum((1, 2, 3)) > 0).all()


def test_a_detectors_loss_leaves_it_as_it_was(trained_on_labels):
    network = trained_on_labels._recogniser.network
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    target = trained_on_labels.target(clean(), [boxes((4, 4, 20, 24))] * 2)
    first, again = (trained_on_labels(target, clean()) for _ in range(2))

    assert torch.equal(first, again)
    assert not any(module.training for module in network.modules())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_boxes_are_labelled_as_torchvision_does_and_crowds_are_not_shown(trained_on_labels):
    box, crowd = boxes((4, 4, 20, 24), class_id=79), boxes((1, 1, 9, 9), is_crowd=True)
    shown, hidden = trained_on_labels.target(clean(), [box, crowd])

    assert COCO_CLASSES[79] == "toothbrush"
    assert shown["labels"].tolist() == [90]
    assert hidden["boxes"].shape == (0, 4)
    with pytest.raises(BadInputError, match="does not know the data's class 80"):
        trained_on_labels.target(clean(), [boxes((4, 4, 20, 24), class_id=80)])


class SamePictures:
    """The same two pictures in every step, with their labels."""

    def batch(self, step):
        return [Example(picture(32, 32, seed=seed).pixels, ground_truth=seed) for seed in range(2)]


@pytest.mark.parametrize(
    ("task", "loss"), [("classification", "labels"), ("detection", "prediction")]
)
def test_twenty_steps_on_two_pictures_lower_it(algorithm, tmp_path, task, loss, request):
    model = request.getfixturevalue("classifier" if task == "classification" else "detector")
    d_m = load(model, task=task, loss=loss)
    config = Config(tmp_path, tmp_path, max_steps=20, learning_rate=1e-2)
    heavy = {"small": Slope([0.0], [4.0])}
    with algorithm(qps=[34], micro_batch=2, slopes=heavy, losses={"small": d_m}) as step:
        before = step.gradients(SamePictures().batch(0), 0)
        loop.train(step, SamePictures(), config)
        after = step.gradients(SamePictures().batch(0), 0)

    assert after["d_m.small"] < 0.97 * before["d_m.small"]


def test_a_step_on_yolox(data_folder):
    model = data_folder("models") / "yolox_nano_416.safetensors"
    d_m = load(str(model), task="detection")
    decoded = worse(0.1).requires_grad_()
    loss = d_m(d_m.target(clean(), [None, None]), decoded)
    loss.sum().backward()

    assert (loss > 0).all()
    assert (decoded.grad.abs().sum((1, 2, 3)) > 0).all()
