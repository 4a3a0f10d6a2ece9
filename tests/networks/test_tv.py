"""The filters that know no QP: tv and segnet."""

import pytest
import torch
from torch import nn

from neurocodec.networks.precision import precision
from neurocodec.networks.segnet import DEPTH, SegNet
from neurocodec.networks.tv import Tv

ARCHITECTURES = {"tv": Tv, "segnet": SegNet}


@pytest.fixture(params=ARCHITECTURES)
def network(request):
    torch.manual_seed(0)
    made = ARCHITECTURES[request.param](width=4).eval()
    for module in made.modules():  # the last layer is 0 at first, which would hide all before
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight)
    return made


@pytest.mark.parametrize("size", [(1, 1), (17, 33), (32, 64)])
def test_any_size_in_range(network, size):
    nn.init.normal_(network.body.last.weight, std=10)  # far beyond the range

    filtered = network(torch.rand(2, 3, *size))

    assert filtered.shape == (2, 3, *size)
    assert filtered.min() >= 0
    assert filtered.max() <= 1


def test_alike_at_every_qp(network):
    x = torch.rand(1, 3, 32, 32)

    assert torch.equal(network(x, 22.0), network(x, torch.tensor([45.0])))


def test_nothing_from_beyond_the_reach_and_all_but_half_of_it_counts(network):
    side = 2 * network.reach + network.stride
    x, at = torch.rand(1, 3, side, side), side // 2
    changes = {}
    for reach in (network.reach, network.reach // 2):
        other = torch.rand(x.shape)
        near = slice(at - reach, at + reach + 1)
        other[..., near, near] = x[..., near, near]
        with torch.no_grad():
            one, two = (network.body(pictures, None)[..., at, at] for pictures in (x, other))
        changes[reach] = (one - two).abs().max().item()

    assert changes[network.reach] <= 1e-5 < changes[network.reach // 2]


def test_every_weight_learns(network):
    network.train()(torch.rand(2, 3, 64, 64)).square().mean().backward()

    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())


def test_pixels_are_made_in_single_precision(network):
    with precision(torch.device("cpu"), amp=True):
        filtered = network(torch.rand(1, 3, 64, 64))

    assert filtered.dtype == torch.float32
    assert not torch.equal(filtered, filtered.bfloat16().float())


def test_tv_is_the_identity_at_first():
    x = torch.rand(1, 3, 17, 33)

    assert torch.equal(Tv(width=4)(x), x)


def test_segnet_is_vgg_16_down_and_up():
    # 14,714,688 weights in VGG-16's convolutions, as many in their mirror but for its first stage's
    # 3 → 64, which is the last layer here, and two of batch normalisation a channel.
    convolutions = [m for m in SegNet().modules() if isinstance(m, nn.Conv2d)]
    encoder = sum(p.numel() for conv in convolutions[:13] for p in conv.parameters())

    assert len(convolutions) == 26
    assert encoder == 14_714_688
    assert SegNet().reach % SegNet().stride == 0


def test_segnets_decoder_gets_the_places_of_the_maxima():
    """Two pictures of equal maxima in other places come out apart."""
    torch.manual_seed(0)
    stage = SegNet(width=4).eval().body
    f = torch.zeros(1, 3, 64, 64)
    f[..., ::2, ::2] = 1
    moved = f.roll((1, 1), (2, 3))

    assert not torch.allclose(stage(f, None), stage(moved, None), atol=1e-3)


@pytest.mark.parametrize("depth", [1, 3, DEPTH])
def test_segnet_of_less_depth_leaves_stages_out_but_reaches_all_parameters(depth):
    torch.manual_seed(0)
    network = SegNet(width=4).eval()
    x = torch.rand(1, 3, 64, 64)
    before = network(x, depth=depth)
    before.sum().backward()
    left_out = [*network.body.encoder[depth:], *network.body.decoder[: DEPTH - depth]]
    for stage in left_out:
        assert all(not parameter.grad.any() for parameter in stage.parameters())
        nn.init.ones_(stage[0].weight)

    assert all(parameter.grad is not None for parameter in network.parameters())
    assert sum(bool(p.grad.any()) for p in network.body.encoder[depth - 1].parameters()) > 1
    assert torch.equal(network(x, depth=depth), before)
    assert torch.equal(network(x), network(x, depth=DEPTH))


def test_segnets_statistics_stay_after_the_first_passes():
    """Then a bright picture in training comes out as in use, not normalised by itself."""
    torch.manual_seed(0)
    network = SegNet(width=4).train()
    dark, bright = 0.1 * torch.rand(2, 1, 3, 64, 64) + torch.tensor([0, 0.8]).view(2, 1, 1, 1, 1)
    with torch.no_grad():
        apart = network(dark), network.eval()(dark)
        network.train()
        for _ in range(50):
            network(dark)
        kept = {name: buffer.clone() for name, buffer in network.named_buffers()}
        together = network(bright), network.eval()(bright)

    assert not torch.allclose(*apart)
    assert torch.equal(*together)
    assert all(torch.equal(kept[name], buffer) for name, buffer in network.named_buffers())


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_pixel_can_learn_at_first(arch):
    torch.manual_seed(0)
    filtered = ARCHITECTURES[arch](width=16)(torch.rand(2, 3, 64, 64))

    assert ((filtered == 0) | (filtered == 1)).float().mean() < 0.4
