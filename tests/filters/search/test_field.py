import pytest
import torch

from neurocodec.filters.search import field as fields
from neurocodec.filters.search.field import Field, Start, TiledProxy
from neurocodec.losses.quantisation import dct_proxy
from neurocodec.networks.npp import Npp

QP = 34.0


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.rand(1, 3, 96, 160)


def both(monkeypatch, compute):
    """The result of `compute` in one tile, and in many."""
    whole = compute()
    monkeypatch.setattr(fields, "_TILE", 32)
    return whole, compute()


def test_tiles_of_a_field_are_the_whole_and_have_its_gradient(x, monkeypatch):
    def compute():
        field = Field(x, *Start(None)(x, QP), 20)
        with torch.no_grad():
            field.unknowns.copy_(torch.randn(field.unknowns.shape, generator=torch.manual_seed(1)))
        x_bar = field()
        (x_bar * x).sum().backward()
        return x_bar, field.unknowns.grad

    (one, its), (many, theirs) = both(monkeypatch, compute)

    assert torch.allclose(one, many, atol=1e-6)
    assert torch.allclose(its, theirs, rtol=1e-4, atol=1e-4)
    assert its.abs().max() > 0


def test_tiles_of_a_proxy_are_the_whole_but_for_chroma_at_the_seams(x, monkeypatch):
    proxy = TiledProxy(dct_proxy("bpg"))

    def compute():
        leaf = x.clone().requires_grad_()
        y_hat, r_p = proxy(leaf, torch.tensor([QP]))
        (r_p.sum() + y_hat.mean()).backward()
        return r_p, y_hat, leaf.grad

    (r, y, g), (tiled_r, tiled_y, tiled_g) = both(monkeypatch, compute)

    assert torch.allclose(r, tiled_r, rtol=1e-5)
    assert (y - tiled_y).abs().mean() < 0.02
    assert torch.nn.functional.cosine_similarity(g.flatten(), tiled_g.flatten(), dim=0) > 0.99


def test_tiles_of_a_start_are_the_whole(monkeypatch, x):
    torch.manual_seed(0)
    network = Npp(arch="npp-context", width=4).body.eval().requires_grad_(False)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    x = torch.rand(1, 3, 96, 1024)
    whole = Start(network)(x, QP)
    monkeypatch.setattr(network, "tile", 128)

    for one, many in zip(whole, Start(network)(x, QP), strict=True):
        assert torch.allclose(one, many, atol=1e-5)


def test_a_start_from_nothing_is_one_blur_everywhere(x):
    logits, residual = Start(None)(x, QP)

    assert logits.shape == (1, 18, 24, 40)
    assert (logits == logits[..., :1, :1]).all()
    assert not residual.any()


@pytest.mark.parametrize(("cell", "cells"), [(32, (3, 5)), (1000, (1, 1)), (8, (12, 20))])
def test_cells_are_about_square(x, cell, cells):
    assert Field(x, *Start(None)(x, QP), cell).unknowns.shape[-2:] == cells
