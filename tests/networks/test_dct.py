import numpy as np
import pytest
import torch
from scipy.fft import dctn

from neurocodec.networks.dct import DctProxy
from neurocodec.networks.tensors import to_tensor
from tests.conftest import picture

X = to_tensor([picture(64, 48)])


def rate(x, qp):
    return float(DctProxy()(x, torch.full((len(x),), float(qp)))[1][0])


def test_the_rate_is_the_formula_in_its_docstring():
    gray = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0)).double().numpy()
    blocks = gray.reshape(2, 16, 2, 16).swapaxes(1, 2).reshape(4, 16, 16)
    c = [dctn(255 * block, norm="ortho") for block in blocks]
    scaled = np.stack(c).reshape(4, -1)[:, 1:] / (1.5 * 2 ** ((34 - 7) / 6))

    found = rate(torch.from_numpy(gray).float().expand(1, 3, -1, -1), 34)

    assert found == pytest.approx(0.5 * np.log2(1 + scaled**2).sum() / 32**2, rel=1e-4)


def test_fewer_bits_at_a_higher_qp_and_for_a_smoother_picture():
    blurred = torch.nn.functional.avg_pool2d(X, 3, stride=1, padding=1)

    assert rate(X, 28) > rate(X, 34) > rate(X, 41) > 0
    assert rate(blurred, 34) < rate(X, 34)


def test_pictures_and_qps_of_a_batch_are_apart():
    both = DctProxy()(X.expand(2, -1, -1, -1), torch.tensor([28.0, 41.0]))[1]

    assert both.tolist() == pytest.approx([rate(X, 28), rate(X, 41)])


def test_the_gradient_is_the_numeric_one():
    x = X[..., :32, :32].double().requires_grad_()
    proxy, qp = DctProxy().double(), torch.tensor([34.0], dtype=torch.float64)

    assert torch.autograd.gradcheck(lambda x: proxy(x, qp)[1], x, fast_mode=True, atol=1e-6)
