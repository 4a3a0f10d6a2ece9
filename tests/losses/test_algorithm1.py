import pytest
import torch
from torch import nn

from neurocodec.losses.algorithm1 import Objective
from neurocodec.losses.classification import kl_divergence
from neurocodec.measures.slope import Slope

QPS = [28.0, 37.0]


class Small:
    """KL of a random linear classifier."""

    def __init__(self, seed):
        self.network = nn.Linear(3, 5)
        with torch.no_grad():
            self.network.weight.copy_(torch.randn(5, 3, generator=torch.manual_seed(seed)))
        self.network.requires_grad_(False)

    def logits(self, pictures):
        return 9 * self.network(pictures.mean((2, 3)))

    def target(self, clean, ground_truth):
        return self.logits(clean)

    def __call__(self, target, decoded):
        return kl_divergence(target, self.logits(decoded))


@pytest.fixture
def objective():
    slopes = {"a": Slope([-0.1, 4.0], [-0.2, 8.0]), "b": Slope([-0.1, 4.0], [-0.1, 3.0])}
    return Objective({"a": Small(1), "b": Small(2)}, slopes, beta=0.5)


@pytest.fixture
def pictures():
    torch.manual_seed(0)
    return torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)


def whole(pictures):
    return pictures


def left(pictures):
    return pictures[..., :4]


def test_it_is_equation_1(objective, pictures):
    x, y_hat = pictures
    r_p, mse = torch.tensor([0.5, 0.25]), torch.tensor([0.01, 0.02])

    loss = objective(objective.goal(x, [None, None], [whole], QPS), y_hat, r_p, mse)

    for place, qp in enumerate(QPS):
        mean_rate = torch.tensor(-0.1 * qp + 4.0).exp()
        lmbda = {"a": torch.tensor(-0.2 * qp + 8).exp(), "b": torch.tensor(-0.1 * qp + 3).exp()}
        recognition = sum(lmbda[name] * loss.d_m[name][place] for name in "ab") / 2
        expected = (r_p[place] + recognition) / mean_rate + 0.5 * mse[place]
        assert loss.total[place] == pytest.approx(float(expected), rel=1e-5)
        assert loss.recognition[place] == pytest.approx(float(recognition), rel=1e-5)
    assert loss.rate is r_p
    a = objective.losses["a"]
    assert torch.equal(loss.d_m["a"], a(a.target(x, None), y_hat))


def test_d_m_is_the_mean_over_the_views(objective, pictures):
    x, y_hat = pictures
    r_p = torch.tensor([0.5, 0.25])

    def d_m(views):
        return objective(objective.goal(x, [None, None], views, QPS), y_hat, r_p).d_m["a"]

    assert torch.allclose(d_m([whole, left]), (d_m([whole]) + d_m([left])) / 2)


def test_the_gradient_is_that_of_the_sum_however_many_views(objective, pictures):
    x, y_hat = pictures
    r_p = torch.tensor([0.5, 0.25])

    def gradient(views):
        leaf = y_hat.clone().requires_grad_()
        objective(objective.goal(x, [None, None], views, QPS), leaf, r_p).total.sum().backward()
        return leaf.grad

    assert torch.allclose(
        gradient([whole, left]), (gradient([whole]) + gradient([left])) / 2, atol=1e-7
    )
    assert gradient([whole]).abs().max() > 0


def test_some_of_the_recognisers(objective, pictures):
    x, y_hat = pictures
    goal = objective.goal(x, [None, None], [whole], QPS)

    loss = objective.of(["b"])(goal, y_hat, torch.tensor([0.5, 0.25]))

    assert list(loss.d_m) == ["b"]
