import math

import numpy as np
import pytest
import torch

from neurocodec import images
from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.measures.slope import QPS
from neurocodec.training import lmbda
from neurocodec.training.codec_pool import Coded
from neurocodec.training.data import Split
from tests.training.conftest import Collecting, bench


class FakeCodec:
    """R = 4·exp(−QP / 8) bpp, and pictures that are darker by the QP; codes at once."""

    jobs = 0

    def __init__(self, report):
        self.report = report
        self.last_statuses = []  # at every call

    def submit(self, images, qps):
        self.last_statuses += self.report.statuses[-1:]
        coded = [
            Coded(Image(image.pixels - np.uint8(qp)), 4 * math.exp(-qp / 8))
            for image, qp in zip(images, qps, strict=True)
        ]
        return lambda: coded


class FakeLoss:
    """D_m = exp(QP / 10) / 1000, the QP read off the darkness."""

    sign = 1

    def target(self, clean, ground_truth):
        return clean

    def __call__(self, target, decoded):
        qp = 255 * (target - decoded).mean((1, 2, 3))
        return torch.exp(self.sign * qp / 10) / 1000


class BetterWhenWorse(FakeLoss):
    sign = -1


@pytest.fixture
def work(tmp_path):
    """A function to a workbench with one gray picture."""

    def make(loss, **settings):
        path = tmp_path / "gray.png"
        path.write_bytes(images.png(Image(np.full((8, 8, 3), 200, np.uint8))))
        report = Collecting()
        return bench(
            FakeCodec(report),
            {"one": loss},
            pictures=Split((path,)),
            report=report,
            size=8,
            **settings,
        )

    return make


def test_it_is_measured_on_the_plain_codec(work):
    slopes = lmbda.measure(work(FakeLoss()))

    rate, loss = 4 * math.exp(-34 / 8), math.exp(3.4) / 1000
    assert slopes["one"].mean_rate(34) == pytest.approx(rate, rel=1e-3)
    assert slopes["one"].lmbda(34) == pytest.approx((rate / 8) / (loss / 10), rel=1e-2)
    assert slopes["one"].blank_loss == pytest.approx(math.exp((200 - 128) / 10) / 1000, rel=1e-3)


def test_measuring_tells_how_far_it_is(work):
    small = work(FakeLoss())
    lmbda.measure(small)

    text, count = "measuring the rate–distortion slope", len(QPS)
    measuring = [text, *(f"{text} {number}/{count}" for number in range(1, count + 1))]
    assert small.report.statuses == ["reading pictures", "reading pictures 1/1", *measuring]
    assert small.pool.last_statuses == measuring[:-1]


def test_a_codec_without_a_slope_asks_for_lambda(work):
    with pytest.raises(UsageError, match="type --lmbda"):
        lmbda.measure(work(BetterWhenWorse()))


def test_a_typed_lambda_needs_no_slope(work):
    slopes = lmbda.measure(work(BetterWhenWorse()), lmbda.typed("2"))

    assert slopes["one"].lmbda([28, 41]) == pytest.approx([2, 2])
    assert slopes["one"].mean_rate(34) == pytest.approx(4 * math.exp(-34 / 8), rel=1e-3)


def test_lambda_by_qp_is_a_line_in_the_logarithm():
    assert np.exp(np.polyval(lmbda.typed("28=8,41=0.5"), [28, 41])) == pytest.approx([8, 0.5])


@pytest.mark.parametrize("text", ["", "much", "0", "-1", "28=", "28=8,2", "28=8=9"])
def test_what_is_no_lambda_is_refused(text):
    with pytest.raises(UsageError, match="cannot read λ"):
        lmbda.typed(text)


@pytest.mark.parametrize("text", ["nan", "inf", "28=nan,34=1"])
def test_lambda_must_be_finite(text):
    with pytest.raises(UsageError, match="λ must be finite"):
        lmbda.typed(text)
