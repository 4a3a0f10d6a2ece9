import pytest
import torch

from neurocodec.losses.pixels import total_variation

LUMA = (0.299, 0.587, 0.114)


def test_every_step_between_neighbours_counts_once():
    luma = torch.tensor([[0.0, 0.5, 0.5], [0.25, 0.5, 1.0]])
    across, down = 0.5 + 0.25 + 0.5, 0.25 + 0.5

    result = total_variation(luma.expand(1, 3, 2, 3))

    assert result.tolist() == pytest.approx([(across + down) / 6])


def test_pictures_are_told_apart():
    x = torch.stack([torch.zeros(3, 4, 4), torch.rand(3, 4, 4)])

    assert total_variation(x)[0] == 0
    assert total_variation(x)[1] == pytest.approx(total_variation(x[1:])[0].item())


def test_only_luma_varies_it():
    x = torch.full((1, 3, 2, 2), 0.5, dtype=torch.float64)
    for channel, weight in enumerate(LUMA):
        brighter = x.clone()
        brighter[0, channel, :, 1] += 0.2
        assert total_variation(brighter).item() == pytest.approx(0.2 * weight * 2 / 4)


def test_it_is_a_mean_over_pixels():
    stripes = (torch.arange(64) % 2).float().expand(1, 3, 64, 64)

    assert total_variation(stripes).item() == pytest.approx(1, rel=0.02)
    assert total_variation(stripes[..., :16, :16]).item() == pytest.approx(1, rel=0.07)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1)])
def test_lines_and_points(size):
    assert total_variation(torch.ones(2, 3, *size)).tolist() == [0, 0]


def test_its_gradient():
    x = torch.rand(2, 3, 5, 4, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(total_variation, x)
