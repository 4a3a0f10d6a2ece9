import importlib
import sys

import pytest
import torch
from torch import nn

from neurocodec.errors import MissingError
from neurocodec.networks import checkpoint
from neurocodec.networks.tensors import to_tensor
from tests.conftest import picture

pytest.importorskip("compressai")
from neurocodec.networks.proxy import Proxies, Proxy

SMALL = {"width": 8, "latents": 12}


@pytest.fixture
def proxy():
    torch.manual_seed(0)
    network = Proxy(**SMALL)
    with torch.no_grad():  # so that not all latents round to 0, and what is expected of them fits
        network.model.g_a[-1].weight.mul_(8)
        network.model.entropy_parameters[-1].bias[:12] = 1.5
    return network.eval()


def qps(*values):
    return torch.tensor(values, dtype=torch.float32)


@pytest.mark.parametrize("size", [(64, 64), (1, 1), (70, 33)])
def test_pictures_of_any_size_come_back_with_their_bits(proxy, size):
    x = to_tensor([picture(*size), picture(*size, seed=1)])

    pictures, r = proxy(x, qps(34, 41))

    assert pictures.shape == x.shape
    assert r.shape == (2,)
    assert (r > 0).all()


@pytest.mark.parametrize("training", [False, True])
def test_its_picture_and_in_training_its_rate_have_a_gradient(proxy, training):
    x = to_tensor([picture(64, 64)]).requires_grad_()
    pictures, r = proxy.train(training)(x, qps(34))

    (of_picture,) = torch.autograd.grad(pictures.sum(), x, retain_graph=True)
    assert of_picture.abs().sum() > 0
    if training:
        (of_rate,) = torch.autograd.grad(r.sum(), x)
        assert of_rate.abs().sum() > 0


@torch.no_grad()
def test_its_rate_is_that_of_the_real_bytes_and_its_picture_theirs(proxy):
    x = to_tensor([picture(128, 64)])
    pictures, r = proxy(x, qps(30))
    model = proxy.at(30)

    strings = model.compress(x)
    bits = 8 * sum(len(string) for (string,) in strings["strings"])

    assert bits > 1000
    assert bits == pytest.approx(float(r) * 128 * 64, rel=0.1)
    decoded = model.decompress(**strings)["x_hat"]
    assert torch.allclose(decoded, pictures.clamp(0, 1), atol=0.1)


@torch.no_grad()
def test_adaptation_changes_nothing_at_the_middle_qp_before_it_is_trained(proxy):
    x = to_tensor([picture(64, 64)])
    plain = Proxy(qa=False, **SMALL).eval()
    plain.load_state_dict(proxy.state_dict(), strict=False)

    for one, other in zip(plain(x, qps(34)), proxy(x, qps(34)), strict=True):
        assert torch.equal(one, other)
    assert proxy(x, qps(40))[1] < proxy(x, qps(28))[1]


class Constant(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, x, qp):
        return x * 0 + self.value, qp * 0 + self.value


def test_each_picture_goes_through_the_proxy_nearest_to_its_qp():
    proxies = Proxies({41: Constant(4.0), 28: Constant(2.0), 34: Constant(3.0)})

    pictures, r = proxies(torch.zeros(4, 3, 2, 2), qps(40, 22, 34, 30))

    assert r.tolist() == pictures[:, 0, 0, 0].tolist() == [4, 2, 3, 2]


def test_without_compressai_the_message_says_where_it_can_be_had(proxy, monkeypatch):
    data = checkpoint.dump(proxy, "proxy", {})
    monkeypatch.setitem(sys.modules, "compressai.models", None)
    monkeypatch.delitem(sys.modules, "neurocodec.networks.proxy")

    with pytest.raises(MissingError, match=r"need compressai.*Python 3\.11 or 3\.12"):
        importlib.import_module("neurocodec.networks.proxy")
    with pytest.raises(MissingError, match="need compressai"):
        checkpoint.load(data, "proxy.safetensors")
