"""Losses of segmentation networks and pose estimators."""

import pytest
import torch

from neurocodec import losses
from neurocodec.errors import UsageError
from neurocodec.losses import Recognition
from neurocodec.networks.precision import precision
from tests.tasks.graph_files import colours, movenet, spots

EXACT = precision(torch.device("cpu"), amp=False)


def load(model, task):
    (loss,) = losses.load(Recognition([model], task), "cpu", EXACT).values()
    return loss


@pytest.fixture
def pictures():
    torch.manual_seed(0)
    return torch.rand(2, 3, 40, 30), torch.rand(2, 3, 40, 30)


def test_segmentation_s_is_the_mean_divergence_of_the_places(tmp_path, pictures):
    loss, (clean, decoded) = load(colours(tmp_path), "segmentation"), pictures

    found = loss(loss.target(clean, [None] * 2), decoded)

    # 40×30 pixels are 33×24 of the square of 33.
    p, q = (loss._recogniser(x)["out"][..., :24].double().softmax(1) for x in pictures)
    by_hand = (p * (p / q).log()).sum(1).mean((1, 2))
    assert torch.allclose(found.double(), by_hand, rtol=1e-4)


@pytest.mark.parametrize("made", [spots, movenet])
def test_pose_s_is_the_difference_of_the_maps(tmp_path, pictures, made):
    loss, (clean, decoded) = load(made(tmp_path), "pose"), pictures

    found = loss(loss.target(clean, [None] * 2), decoded)

    def maps(x):
        size = (64, 48) if made is spots else (48, 48)
        x = torch.nn.functional.interpolate(x, size, mode="bilinear", antialias=True)
        if made is spots:
            return (255 * x).sum(1)
        return ((255 * x - 127.5) / 127.5).sum(1).sigmoid()

    apart = (maps(clean) - maps(decoded)).square().sum((1, 2))
    assert torch.allclose(found, apart / maps(clean).square().sum((1, 2)), rtol=1e-4)


@pytest.mark.parametrize(("made", "task"), [(colours, "segmentation"), (movenet, "pose")])
def test_equal_pictures_cost_nothing_and_others_have_a_gradient(tmp_path, pictures, made, task):
    loss, (clean, decoded) = load(made(tmp_path), task), pictures
    target = loss.target(clean, [None] * 2)
    assert float(loss(target, clean).abs().max()) < 1e-6
    decoded = decoded.requires_grad_(True)
    loss(target, decoded).sum().backward()
    assert float(decoded.grad.abs().sum()) > 0


def test_torchvision_s_people_are_no_goal():
    with pytest.raises(UsageError, match="not maps of joints"):
        load("keypointrcnn_resnet50_fpn:random", "pose")
