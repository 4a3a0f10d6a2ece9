import pytest
import torch
from torch import nn

from neurocodec.losses.quantisation import dct_proxy
from neurocodec.networks.npp import Npp
from neurocodec.networks.swap import round_to_levels, swap


def test_the_value_is_the_real_one_bit_for_bit():
    generator = torch.Generator().manual_seed(0)
    real = torch.rand(10_000, generator=generator)
    proxy = (torch.rand(10_000, generator=generator) * 1e4).requires_grad_()

    assert torch.equal(swap(real, proxy), real)
    assert not torch.equal(proxy + (real - proxy).detach(), real)


def test_the_gradient_goes_to_the_proxy_alone():
    real = torch.rand(3, requires_grad=True)
    proxy = torch.rand(3, requires_grad=True)

    (swap(real, proxy) * torch.tensor([1.0, 2.0, 3.0])).sum().backward()

    assert proxy.grad is not None
    assert proxy.grad.tolist() == [1.0, 2.0, 3.0]
    assert real.grad is None


def test_rounding_gives_levels_and_lets_the_gradient_through():
    x = torch.tensor([-0.5, 0.1, 0.5, 1.5], requires_grad=True)

    levels = round_to_levels(x)
    levels.sum().backward()

    assert (levels.detach() * 255).tolist() == [0.0, 26.0, 128.0, 255.0]
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("arch", ["npp", "npp-residual", "npp-light"])
def test_the_gradient_through_filter_proxy_and_swap_is_the_numeric_one(arch):
    torch.manual_seed(0)
    network, proxy = Npp(arch=arch, width=4).double().eval(), dct_proxy("bpg").double()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.1)
    x = 0.25 + 0.5 * torch.rand(1, 3, 32, 32, dtype=torch.float64)
    qp = torch.tensor([34.0], dtype=torch.float64)
    real_y = torch.rand_like(x).requires_grad_()
    real_r = torch.rand(1, dtype=torch.float64, requires_grad=True)

    def cost(y, r):
        return (y.square().mean() * r.exp()).sum()

    # Algorithm 1's gradient: the loss's slope at the codec's values, along the proxy's.
    slopes = torch.autograd.grad(cost(real_y, real_r), (real_y, real_r))
    parameters = [p for p in network.parameters() if p.numel() > 1]
    cost(*map(swap, (real_y.detach(), real_r.detach()), proxy(network(x, qp), qp))).backward()
    directions = [torch.randn_like(p) for p in parameters]
    analytic = sum((p.grad * d).sum() for p, d in zip(parameters, directions, strict=True))

    def moved(step):
        with torch.no_grad():
            for p, d in zip(parameters, directions, strict=True):
                p.add_(d, alpha=step)
            outputs = proxy(network(x, qp), qp)
            for p, d in zip(parameters, directions, strict=True):
                p.sub_(d, alpha=step)
        return sum((slope * output).sum() for slope, output in zip(slopes, outputs, strict=True))

    step = 1e-7
    numeric = (moved(step) - moved(-step)) / (2 * step)
    assert abs(float(analytic)) > 1e-4
    assert float(numeric) == pytest.approx(float(analytic), rel=1e-5)
