import math

import pytest
import torch

from neurocodec.losses.detection import Prediction, prediction_divergence


def prediction(seed, places=6, classes=3):
    """Float64, probabilities well inside (0, 1)."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.rand(2, places, *shape, generator=generator, dtype=torch.float64)

    return Prediction(0.05 + 0.9 * draw(), 0.05 + 0.9 * draw(classes), 4 * draw(4))


def divergence(p, q):
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


def test_it_is_what_a_loop_makes_of_its_formula():
    clean, decoded = prediction(0), prediction(1)
    expected = [0.0, 0.0]
    for n in range(2):
        for a in range(6):
            o = float(clean.objectness[n, a])
            pairs = zip(clean.classes[n, a].tolist(), decoded.classes[n, a].tolist(), strict=True)
            expected[n] += divergence(o, float(decoded.objectness[n, a]))
            expected[n] += o * sum(divergence(p, q) for p, q in pairs)
            if o > 0.3:
                expected[n] += float((clean.boxes[n, a] - decoded.boxes[n, a]).abs().sum())
    assert (clean.objectness > 0.3).any()
    assert (clean.objectness < 0.3).any()

    assert prediction_divergence(clean, decoded).tolist() == pytest.approx(expected)


def test_it_is_zero_between_equal_predictions():
    assert prediction_divergence(prediction(0), prediction(0)).tolist() == pytest.approx(
        [0, 0], abs=1e-12
    )


def test_certain_predictions_have_finite_distances_and_gradients():
    sure = Prediction(torch.ones(1, 1), torch.zeros(1, 1, 2), torch.zeros(1, 1, 4))
    other = Prediction(*((1 - part).requires_grad_() for part in sure))

    loss = prediction_divergence(sure, other)
    loss.sum().backward()

    assert torch.isfinite(loss).all()
    assert all(torch.isfinite(part.grad).all() for part in other)


def test_gradients():
    clean, decoded = prediction(0), prediction(1)
    parts = [part.requires_grad_() for part in decoded]

    assert torch.autograd.gradcheck(
        lambda *parts: prediction_divergence(clean, Prediction(*parts)), parts
    )
