"""λ(QP) = −dR/dD_m of curves whose slope is known."""

import numpy as np
import pytest

from neurocodec.errors import NotComparableError
from neurocodec.measures import slope
from neurocodec.measures.slope import Slope


def rate(qps):
    return 4 * np.exp(-np.asarray(qps) / 8)


def loss(qps):
    return np.exp(np.asarray(qps) / 10) / 1000


def test_it_is_the_codecs_slope():
    fitted = slope.fit(slope.QPS, rate(slope.QPS), loss(slope.QPS))

    qps = np.array([22, 34, 45])
    assert fitted.mean_rate(qps) == pytest.approx(rate(qps), rel=1e-6)
    assert fitted.lmbda(qps) == pytest.approx((rate(qps) / 8) / (loss(qps) / 10), rel=1e-6)


def test_at_least_six_qps_are_measured_whatever_is_trained():
    assert len(slope.QPS) >= 6
    assert max(slope.QPS) - min(slope.QPS) >= 18


def test_giving_a_picture_up_costs_three_times_its_bits():
    flat = Slope([0.0, np.log(0.3)], [-9.0], blank_loss=6.0)

    assert flat.lmbda([28, 41]) * 6.0 == pytest.approx([0.9, 0.9])
    assert Slope(flat.log_rate, [1.0]).lmbda([28, 41]) == pytest.approx([np.e, np.e])


def test_a_curve_without_a_slope_is_refused():
    with pytest.raises(NotComparableError, match="no slope"):
        slope.fit(slope.QPS, rate(slope.QPS), loss(slope.QPS)[::-1])
    with pytest.raises(NotComparableError, match="four QPs, not of 3"):
        slope.fit([28, 34, 41], [3, 2, 1], [1, 2, 3])
