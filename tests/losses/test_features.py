import math

import numpy as np
import pytest
import torch

from neurocodec.losses.features import feature_difference, mmd


def samples(seed, *shape):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 1, shape))


def test_the_difference_is_a_share_of_a_pictures_own_features():
    x, y = samples(0, 3, 4, 2, 2), samples(1, 3, 4, 2, 2)

    expected = [float(((x[i] - y[i]) ** 2).sum() / (x[i] ** 2).sum()) for i in range(3)]

    assert feature_difference(x, y).tolist() == pytest.approx(expected)
    assert torch.allclose(feature_difference(100 * x, 100 * y), feature_difference(x, y))


def test_mmd_is_what_a_double_loop_makes_of_its_formula():
    x, y = samples(0, 5, 3), samples(1, 5, 3)
    m = sum(float((a * a).sum()) for a in x) / 5

    def k(a, b):
        return sum(math.exp(-(2**u) * float(((a - b) ** 2).sum()) / m) for u in range(8)) / 8

    pairs = [(i, j) for i in range(5) for j in range(5)]
    expected = sum(k(x[i], x[j]) + k(y[i], y[j]) - 2 * k(x[i], y[j]) for i, j in pairs) / 25

    assert float(mmd(x, y)) == pytest.approx(expected)
    assert expected > 0.01


def test_mmd_of_equal_sets_is_zero_whatever_their_order():
    x = samples(0, 6, 3)

    assert float(mmd(x, x.flip(0))) == pytest.approx(0, abs=1e-12)
    assert float(mmd(torch.zeros(2, 3), torch.zeros(2, 3))) == 0


def test_mmd_grows_as_two_sets_part():
    x = samples(0, 6, 3)
    values = [float(mmd(x, x + by)) for by in (0.1, 0.5, 2.0, 100.0)]

    assert values == sorted(values)
    assert values[-1] <= 2


@pytest.mark.parametrize("loss", [feature_difference, mmd])
def test_gradients(loss):
    x, y = samples(0, 4, 3), samples(1, 4, 3).requires_grad_()

    assert torch.autograd.gradcheck(lambda decoded: loss(x, decoded), [y])


def test_mmd_of_equal_sets_has_a_gradient_of_zero():
    y = samples(0, 4, 3).requires_grad_()
    mmd(y.detach(), y).backward()

    assert torch.allclose(y.grad, torch.zeros_like(y), atol=1e-12)
