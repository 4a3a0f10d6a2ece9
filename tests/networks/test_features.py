"""Features of recognisers, from where they are asked for."""

import pytest
import torch
from torch import nn

from neurocodec.errors import UsageError
from neurocodec.networks import recognisers
from neurocodec.networks.recognisers import Recogniser
from neurocodec.networks.recognisers.features import FeatureReader
from neurocodec.networks.recognisers.preprocessing import Preprocessing
from tests.networks.recogniser_files import CLASSIFIER, write


@pytest.fixture
def graph(tmp_path):
    return recognisers.load(str(write(tmp_path, CLASSIFIER)))


@pytest.fixture
def modules():
    """A recogniser as torchvision writes them: its pooling is no module."""

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 5)  # made first, runs last
            self.stem = nn.Conv2d(3, 4, 3)
            self.unused = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return self.fc(self.stem(x).mean((2, 3)))

    return Recogniser("made", "classification", Network(), Preprocessing("crop", 16, 16))


def pictures():
    return torch.rand(2, 3, 20, 16, generator=torch.Generator().manual_seed(0))


def test_by_default_they_are_what_the_last_layer_reads(graph, modules):
    answer, features = FeatureReader(graph)(pictures())
    assert features.shape == (2, 8, 1, 1)
    assert torch.equal(answer, graph(pictures()))

    answer, features = FeatureReader(modules)(pictures())
    assert features.shape == (2, 4)
    assert torch.equal(modules.network.fc(features), answer)


def test_a_layer_can_be_named(graph, modules):
    assert FeatureReader(graph, "stem")(pictures())[1].shape == (2, 8, 8, 8)
    assert FeatureReader(modules, "stem")(pictures())[1].shape == (2, 4, 14, 14)


def test_they_have_a_gradient_to_the_picture(graph):
    x = pictures().requires_grad_()
    FeatureReader(graph)(x)[1].sum().backward()

    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize("recogniser", ["graph", "modules"])
def test_a_layer_that_is_not_there(recogniser, request):
    with pytest.raises(UsageError, match="has no layer 'nothing'"):
        FeatureReader(request.getfixturevalue(recogniser), "nothing")


def test_a_layer_that_takes_no_part(modules):
    with pytest.raises(UsageError, match="'unused' yields no features"):
        FeatureReader(modules, "unused")(pictures())
