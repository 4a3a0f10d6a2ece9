import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax

from neurocodec.losses.classification import kl_divergence
from neurocodec.losses.rate import rate_distortion


def test_kl_goes_from_the_clean_answer_to_the_decoded():
    clean, decoded = np.random.default_rng(0).normal(0, 3, (2, 4, 10))
    expected = rel_entr(softmax(clean, 1), softmax(decoded, 1)).sum(1)

    found = kl_divergence(torch.from_numpy(clean), torch.from_numpy(decoded)).numpy()

    assert found == pytest.approx(expected)


def test_bits_and_answers_are_in_units_of_the_plain_codecs_bits():
    rate, weighted, mean = torch.tensor([[1.0, 3.0], [0.5, 1.0], [2.0, 0.5]])

    assert rate_distortion(rate, weighted, mean).tolist() == [0.75, 8.0]
