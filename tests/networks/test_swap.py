import pytest
import torch

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


@pytest.mark.parametrize("real", [torch.zeros(4), torch.zeros(3, dtype=torch.float64)])
def test_what_does_not_fit_is_refused(real):
    with pytest.raises(ValueError, match="cannot swap"):
        swap(real, torch.zeros(3))


def test_rounding_gives_levels_and_lets_the_gradient_through():
    x = torch.tensor([-0.5, 0.1, 0.5, 1.5], requires_grad=True)

    levels = round_to_levels(x)
    levels.sum().backward()

    assert (levels.detach() * 255).tolist() == [0.0, 26.0, 128.0, 255.0]
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 0.0]
