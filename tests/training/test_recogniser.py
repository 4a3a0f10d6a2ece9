import numpy as np
import pytest
import torch

from neurocodec.codecs.jpeg import Jpeg
from neurocodec.images import Image
from neurocodec.losses import load
from neurocodec.losses.recogniser_loss import Recognition
from neurocodec.networks import recognisers
from neurocodec.networks.precision import precision
from neurocodec.networks.recognisers.tuned import Tuned
from neurocodec.networks.tensors import to_tensor
from neurocodec.training import loop
from neurocodec.training.codec_pool import Coded
from neurocodec.training.config import Config
from neurocodec.training.recogniser import RecogniserAlgorithm, RecogniserOptions
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, conv, weights, write, write_sensitive
from tests.training.conftest import CPU, bench

PICTURES = [picture(32, 32, seed=seed) for seed in range(8)]


class Darkening:
    """A codec whose decoded pictures are darker than what was encoded."""

    codec = Jpeg()

    def submit(self, images, qps):
        darker = [Image((image.pixels * 0.7).astype(np.uint8)) for image in images]
        return lambda: [Coded(image, 1.0) for image in darker]


class SamePictures:
    def batch(self, step):
        return PICTURES


@pytest.fixture
def algorithm(tmp_path):
    model = str(write_sensitive(tmp_path))
    losses = load(Recognition([model]), "cpu", precision(CPU, amp=False))
    (teacher,) = losses.values()
    work = bench(Darkening(), losses, batch=8, micro_batch=4)
    network = Tuned.of(recognisers.load(model))
    return RecogniserAlgorithm(RecogniserOptions("jpeg", [40], model), work, network, teacher)


def test_it_learns_to_say_of_decoded_pictures_what_it_said_of_the_clean_ones(algorithm, tmp_path):
    before = algorithm.gradients(PICTURES, 0)
    rates = {"learning_rate": 3e-3, "last_learning_rate": 3e-4}

    loop.train(algorithm, SamePictures(), Config(tmp_path / "out", tmp_path, max_steps=60, **rates))

    after = algorithm.gradients(PICTURES, 0)
    assert before["bpp"] == after["bpp"] == 1.0
    assert after["loss"] < before["loss"] / 3


def test_its_teacher_stays_as_it_was(algorithm, tmp_path):
    clean = to_tensor(PICTURES)
    before = algorithm.teacher.target(clean, [None] * 8)
    rates = {"learning_rate": 3e-3, "last_learning_rate": 3e-3}

    loop.train(algorithm, SamePictures(), Config(tmp_path / "out", tmp_path, max_steps=2, **rates))

    assert torch.equal(algorithm.teacher.target(clean, [None] * 8), before)
    assert not torch.equal(algorithm.network(clean), before)


def test_what_no_prediction_depends_on_does_not_learn(tmp_path):
    ops = [*CLASSIFIER["ops"], conv("unread", "stem", (8, 8))]
    path = write(tmp_path, {**CLASSIFIER, "ops": ops}, weights(ops))
    network = Tuned.of(recognisers.load(str(path)))

    network.freeze_unused()

    learning = [parameter.requires_grad for parameter in network.parameters()]
    assert (learning.count(True), learning.count(False)) == (4, 2)
    assert all(parameter.grad is None for parameter in network.parameters())
