import math

import numpy as np
import pytest
import torch

from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.training import exchange
from neurocodec.training.codec_pool import Coded
from neurocodec.training.exchange import ExchangeRates

CPU = torch.device("cpu")
RATES = ExchangeRates([-0.1, 4.0], {"one": [0.0], "other": [1.0]})


class MadeCodec:
    """R = 4·exp(−QP / 8) bpp, and pictures that are darker by the QP."""

    def submit(self, images, qps):
        coded = [
            Coded(Image(image.pixels - np.uint8(qp)), 4 * math.exp(-qp / 8))
            for image, qp in zip(images, qps, strict=True)
        ]
        return lambda: coded


class MadeDistance:
    """D_m = exp(QP / 10) / 1000, the QP read off the darkness."""

    sign = 1

    def answer(self, clean, truths):
        return clean

    def __call__(self, answer, decoded):
        qp = 255 * (answer - decoded).mean((1, 2, 3))
        return torch.exp(self.sign * qp / 10) / 1000


class BetterWhenWorse(MadeDistance):
    sign = -1


def test_lambda_is_the_codecs_own_slope():
    images = [Image(np.full((8, 8, 3), 200, np.uint8))]
    rates = exchange.measure(MadeCodec(), {"made": MadeDistance()}, images, range(22, 46), CPU)

    qp = torch.tensor([22.0, 34.0, 45.0])
    rate, loss = 4 * torch.exp(-qp / 8), torch.exp(qp / 10) / 1000
    assert torch.allclose(rates.mean_rate(qp), rate, rtol=1e-3)
    assert torch.allclose(rates.lmbda("made", qp), (rate / 8) / (loss / 10), rtol=1e-2)
    assert rates.nothing_seen["made"] == pytest.approx(math.exp((200 - 128) / 10) / 1000, rel=1e-3)


def test_giving_a_picture_up_costs_three_times_its_bits():
    flat = ExchangeRates([0.0, math.log(0.3)], {"one": [-9.0], "other": [1.0]}, {"one": 6.0})
    qp = torch.tensor([28.0, 41.0])

    assert (flat.lmbda("one", qp) * 6.0).tolist() == pytest.approx([0.9, 0.9])
    assert flat.lmbda("other", qp).tolist() == pytest.approx([math.e, math.e])


def test_a_codec_without_a_slope_asks_for_lambda():
    images = [Image(np.full((8, 8, 3), 200, np.uint8))]
    with pytest.raises(UsageError, match="give --lmbda"):
        exchange.measure(MadeCodec(), {"made": BetterWhenWorse()}, images, [30, 40], CPU)


def test_a_given_lambda():
    qp = torch.tensor([28.0, 41.0])
    constant, line = (
        exchange.given(RATES, "1.5", RATES.log_lmbda),
        exchange.given(RATES, "28=8,41=0.5", ["other"]),
    )

    assert constant.lmbda("one", qp).tolist() == pytest.approx([1.5, 1.5])
    assert line.lmbda("other", qp).tolist() == pytest.approx([8, 0.5], rel=1e-4)
    assert line.log_rate == RATES.log_rate


@pytest.mark.parametrize("text", ["", "much", "0", "-1", "28=", "28=8,2", "28=8=9"])
def test_what_is_no_lambda_is_refused(text):
    with pytest.raises(UsageError, match="cannot read λ"):
        exchange.given(RATES, text, ["one"])
