import numpy as np
import pytest
import torch
from scipy.fft import dctn, idctn

from neurocodec.networks.dct import DctProxy
from neurocodec.networks.tensors import to_tensor
from tests.conftest import picture

X = to_tensor([picture(64, 48)])
GRAY = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0)).expand(1, 3, -1, -1)


def steps(*, block=16):
    """Δ grows with the QP and the frequency, and chroma's are the larger."""
    frequency = torch.arange(block)
    table = 4.0 + frequency[:, None] + 2 * frequency
    return torch.stack([table, 2 * table]) * 2 ** ((torch.arange(52)[:, None, None, None] - 28) / 6)


def coded(x, qp, **how):
    return DctProxy(steps(**how), 1.5)(x, torch.full((len(x),), float(qp)))


def rate(x, qp):
    return float(coded(x, qp)[1][0])


def coefficients(x, block):
    across = 32 // block
    blocks = x[0, 0].double().numpy().reshape(across, block, across, block).swapaxes(1, 2)
    return dctn(255 * blocks, axes=(2, 3), norm="ortho")


@pytest.mark.parametrize("block", [8, 16])
def test_the_rate_is_the_formula_in_its_docstring(block):
    scaled = coefficients(GRAY, block) / (1.5 * steps(block=block)[34, 0].numpy())
    scaled[..., 0, 0] = 0

    found = float(coded(GRAY, 34, block=block)[1])

    assert found == pytest.approx(0.5 * np.log2(1 + scaled**2).sum() / 32**2, rel=1e-4)


@pytest.mark.parametrize("block", [8, 16])
def test_the_picture_is_the_formula_in_its_docstring(block):
    c = coefficients(GRAY, block)
    kept = c**3 / (c**2 + (steps(block=block)[34, 0].numpy() * 0.4) ** 2)
    kept[..., 0, 0] = c[..., 0, 0]
    expected = idctn(kept, axes=(2, 3), norm="ortho").swapaxes(1, 2).reshape(32, 32) / 255

    found = coded(GRAY, 34, block=block)[0]

    np.testing.assert_allclose(found[0, 0], expected, atol=1e-4)


def test_chroma_has_steps_of_its_own_and_half_the_size():
    colour = torch.zeros(1, 3, 32, 32)
    colour[:, 0], colour[:, 2] = 0.5, 0.5 + 0.3 * (torch.arange(32) % 2)  # as fine as can be
    only_luma = steps()
    only_luma[:, 1] = 1e9

    half = coded(colour, 34)[0]
    fine = DctProxy(only_luma, 1.5)(X, torch.tensor([34.0]))[1]

    assert float(half[:, 2].std(-1).max()) < 0.3 * float(colour[:, 2].std(-1).max())
    assert 0 < float(fine) < rate(X, 34)


def test_fewer_bits_at_a_higher_qp_and_for_a_smoother_picture():
    padded = torch.nn.functional.pad(X, (1, 1, 1, 1), mode="replicate")
    blurred = torch.nn.functional.avg_pool2d(padded, 3, stride=1)

    assert rate(X, 28) > rate(X, 34) > rate(X, 41) > 0
    assert rate(blurred, 34) < rate(X, 34)


def test_pictures_and_qps_of_a_batch_are_apart():
    both = DctProxy(steps(), 1.5)(X.expand(2, -1, -1, -1), torch.tensor([28.0, 41.0]))

    assert both[1].tolist() == pytest.approx([rate(X, 28), rate(X, 41)])
    torch.testing.assert_close(both[0][1:], coded(X, 41)[0])


def test_what_is_no_whole_block_stays_and_costs_nothing():
    odd = to_tensor([picture(45, 37)])

    y_hat, r_p = coded(odd, 41)

    assert y_hat.shape == odd.shape
    gray = odd[:, :1].expand(-1, 3, -1, -1)
    beyond = coded(gray, 41)[0][..., 32:, :]
    torch.testing.assert_close(beyond, gray[..., 32:, :], atol=1e-5, rtol=0)
    assert float(r_p) * 45 * 37 == pytest.approx(rate(odd[..., :32, :32], 41) * 32**2, rel=1e-4)


def test_the_gradient_is_the_numeric_one():
    x = X[..., :32, :32].double().requires_grad_()
    proxy, qp = DctProxy(steps(), 1.5).double(), torch.tensor([34.0], dtype=torch.float64)

    assert torch.autograd.gradcheck(lambda x: proxy(x, qp), x, fast_mode=True, atol=1e-6)
