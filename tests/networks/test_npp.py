import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from neurocodec.errors import UsageError
from neurocodec.networks import checkpoint
from neurocodec.networks.light import NARROW
from neurocodec.networks.npp import ARCHITECTURES, Npp, grown

WIDTH = 8


@pytest.fixture(params=ARCHITECTURES)
def network(request):
    torch.manual_seed(0)
    made = Npp(arch=request.param, width=WIDTH).eval()
    for module in made.modules():  # the last layers are 0 at first, which would hide all before
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.05)
    return made


def test_the_papers_number_of_parameters():
    assert sum(parameter.numel() for parameter in Npp(qa=False).parameters()) == 9_422_235


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_adaptation_changes_nothing_at_first(arch):
    torch.manual_seed(0)
    plain = Npp(qa=False, arch=arch, width=WIDTH).eval()
    x = torch.rand(2, 3, 32, 32)

    for qp in (22.0, 34.0, 45.0):
        assert torch.equal(grown(plain, qa=True).eval()(x, qp), plain(x, qp))


@pytest.mark.parametrize("qa", [True, False])
@pytest.mark.parametrize(
    ("arch", "into"), [("npp-light", "npp-context"), ("npp-context", "npp-semantic")]
)
def test_a_network_grows_into_its_larger_one(arch, into, qa):
    torch.manual_seed(0)
    small = Npp(qa=qa, arch=arch, width=WIDTH).eval()
    nn.init.normal_(small.body.residual.leave.weight, std=0.1)
    x = torch.rand(2, 3, 64, 32)

    larger = grown(small, qa=True, arch=into).eval()

    assert larger.config == {"qa": True, "arch": into, "width": WIDTH}
    assert torch.equal(larger(x, 34.0), small(x, 34.0))
    assert grown(larger, qa=True) is larger


def test_the_classifier_that_advises_neither_learns_nor_is_stored():
    semantic = Npp(arch="npp-semantic", width=WIDTH).eval()
    nn.init.normal_(semantic.body.to_logits.weight, std=0.1)
    stored = checkpoint.dump(semantic, "npp", {})
    x = torch.rand(1, 3, 64, 64)

    again = checkpoint.load(stored, "semantic").network

    assert torch.equal(again(x, 34.0), semantic(x, 34.0))
    assert not any("frozen" in name for name, _ in semantic.named_parameters())
    assert not any("frozen" in name for name in semantic.state_dict())
    assert semantic.double()(x.double(), 34.0).dtype == torch.float64  # it goes along


def test_with_a_classifiers_advice_too_nothing_comes_from_beyond_the_reach():
    torch.manual_seed(0)
    semantic = Npp(arch="npp-semantic", width=WIDTH).eval().double()
    for module in semantic.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.05)
    reach = semantic.reach
    side, at = 2 * reach + 64, reach + 31
    changes = {}
    for near in (reach, reach - 48):
        x, other = torch.rand(2, 1, 3, side, side, dtype=torch.float64)
        window = slice(at - near, at + near + 1)
        other[..., window, window] = x[..., window, window]
        with torch.no_grad():
            one, two = (semantic.body(p, torch.tensor([34.0]))[..., at, at] for p in (x, other))
        changes[near] = (one - two).abs().max().item()

    assert changes[reach] == 0.0 < changes[reach - 48]


@pytest.mark.parametrize(
    ("arch", "asked", "message"),
    [("npp", {"qa": False}, "--no-qa"), ("npp-residual", {"qa": True, "arch": "npp"}, "residual")],
)
def test_no_network_grows_smaller_or_into_another(arch, asked, message):
    with pytest.raises(UsageError, match=message):
        grown(Npp(arch=arch, width=WIDTH), **asked)


def test_adaptation_can_tell_qps_apart(network):
    for name, parameter in network.named_parameters():
        if "scale.weight" in name:
            nn.init.normal_(parameter)
    x = torch.rand(1, 3, 32, 32)

    assert not torch.equal(network(x, 22.0), network(x, 45.0))
    both = network(x.expand(2, -1, -1, -1), torch.tensor([22.0, 45.0]))
    assert torch.allclose(both[:1], network(x, 22.0), atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (17, 33), (16, 48)])
def test_any_size_in_range(network, size):
    filtered = network(torch.rand(1, 3, *size), 34.0)

    assert filtered.shape == (1, 3, *size)
    assert filtered.min() >= 0
    assert filtered.max() <= 1


def test_nothing_from_beyond_the_reach(network):
    side = 2 * network.reach + 32
    x = torch.rand(1, 3, side, side, requires_grad=True)
    at = side // 2 - 1

    (gradient,) = torch.autograd.grad(network.body(x, torch.tensor([30.0]))[..., at, at].sum(), x)

    touched = gradient.abs().sum((0, 1)).nonzero()
    assert (touched - at).abs().max() <= network.reach


def test_the_light_network_is_a_mild_blur_at_first():
    light = Npp(arch="npp-light", width=WIDTH)
    flat = torch.full((1, 3, 32, 32), 0.5)
    noise = torch.rand(1, 3, 64, 64)

    assert torch.allclose(light(flat, 34.0), flat, atol=1e-6)
    assert 0.3 < (light(noise, 34.0).var() / noise.var()).item() < 0.9


@pytest.mark.parametrize(("place", "sigma"), list(enumerate(NARROW, start=1)))
def test_the_light_networks_bank_is_of_gaussians(place, sigma):
    light = Npp(arch="npp-light", width=WIDTH)
    nn.init.constant_(light.body.mixture.logits.bias, -100.0)
    light.body.mixture.logits.bias.data[[place, 9 + place]] = 100.0
    x = torch.rand(2, 3, 48, 32)

    expected = gaussian_filter(x.numpy(), (0, 0, sigma, sigma), mode="nearest", radius=(0, 0, 3, 3))
    assert np.allclose(light(x, 34.0).detach().numpy(), expected, atol=1e-5)


def test_the_residual_network_is_the_identity_at_first():
    x = torch.rand(1, 3, 32, 32)

    assert torch.equal(Npp(arch="npp-residual", width=WIDTH)(x, 34.0), x)


def test_no_other_architecture():
    with pytest.raises(UsageError, match="npp-light"):
        Npp(arch="resnet")
