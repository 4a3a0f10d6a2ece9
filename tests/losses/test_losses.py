import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax

from neurocodec.losses.classification import cross_entropy, kl_divergence
from neurocodec.losses.rate import mimic, rate_distortion


def test_kl_goes_from_the_clean_answer_to_the_decoded():
    clean, decoded = np.random.default_rng(0).normal(0, 3, (2, 4, 10))
    expected = rel_entr(softmax(clean, 1), softmax(decoded, 1)).sum(1)

    found = kl_divergence(torch.from_numpy(clean), torch.from_numpy(decoded)).numpy()

    assert found == pytest.approx(expected)


def test_bits_and_answers_are_in_units_of_the_plain_codecs_bits():
    rate, weighted, mean = torch.tensor([[1.0, 3.0], [0.5, 1.0], [2.0, 0.5]])

    assert rate_distortion(rate, weighted, mean).tolist() == [0.75, 8.0]


def test_cross_entropy_is_the_labels_surprise():
    logits = np.random.default_rng(0).normal(0, 3, (4, 10))
    labels = [3, 0, 9, 3]
    expected = -np.log(softmax(logits, 1)[range(4), labels])

    found = cross_entropy(torch.from_numpy(logits), torch.tensor(labels)).numpy()

    assert found == pytest.approx(expected)


def test_gradients_of_a_classifiers_losses():
    clean, decoded = torch.from_numpy(np.random.default_rng(0).normal(0, 2, (2, 4, 5)))
    decoded.requires_grad_()
    labels = torch.tensor([3, 0, 4, 3])

    assert torch.autograd.gradcheck(lambda logits: kl_divergence(clean, logits), [decoded])
    assert torch.autograd.gradcheck(lambda logits: cross_entropy(logits, labels), [decoded])


def test_the_proxy_pays_for_squared_error_what_x265_does():
    pictures = torch.zeros(2, 3, 4, 4)
    target = torch.full((2, 3, 4, 4), 10 / 255)
    qp = torch.tensor([34.0, 40.0])

    found = mimic(torch.tensor([0.5, 0.25]), pictures, target, qp)

    lmbda = 0.038 * np.exp(0.234 * (qp.numpy() - 3))
    expected = (np.array([0.5, 0.25]) + 100 / lmbda) * [1, 2]
    assert found.tolist() == pytest.approx(expected, rel=1e-5)
