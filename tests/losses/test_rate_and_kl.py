import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax

from neurocodec.losses.classification import kl_divergence
from neurocodec.losses.rate import mimic, rate_distortion


def test_kl_goes_from_the_clean_prediction_to_the_decoded():
    clean, decoded = np.random.default_rng(0).normal(0, 3, (2, 4, 10))
    expected = rel_entr(softmax(clean, 1), softmax(decoded, 1)).sum(1)

    result = kl_divergence(torch.from_numpy(clean), torch.from_numpy(decoded)).numpy()

    assert result == pytest.approx(expected)


def test_bits_and_losses_are_in_units_of_the_plain_codecs_bits():
    rate, weighted, mean = torch.tensor([[1.0, 3.0], [0.5, 1.0], [2.0, 0.5]])

    assert rate_distortion(rate, weighted, mean).tolist() == [0.75, 8.0]


def test_the_gradient_of_kl():
    clean, decoded = torch.from_numpy(np.random.default_rng(0).normal(0, 2, (2, 4, 5)))
    decoded.requires_grad_()

    assert torch.autograd.gradcheck(lambda logits: kl_divergence(clean, logits), [decoded])


def test_the_proxy_pays_for_squared_error_what_x265_does():
    pictures = torch.zeros(2, 3, 4, 4)
    target = torch.full((2, 3, 4, 4), 10 / 255)
    qp = torch.tensor([34.0, 40.0])

    result = mimic(torch.tensor([0.5, 0.25]), pictures, target, qp)

    lmbda = 0.038 * np.exp(0.234 * (qp.numpy() - 3))
    expected = (np.array([0.5, 0.25]) + 100 / lmbda) * [1, 2]
    assert result.tolist() == pytest.approx(expected, rel=1e-5)
