"""BD-rate on arrays: known answers, another's formula, and curves that are refused."""

import numpy as np
import pytest

from neurocodec.errors import NotComparableError
from neurocodec.measures.bd_rate import bd_rate

RATES = np.array([0.22, 0.4, 0.6, 0.85, 1.2])
SCORES = np.array([-0.5, -0.3, -0.2, -0.1, -0.05])
METHODS = pytest.mark.parametrize("method", ["pchip", "akima"])


@METHODS
@pytest.mark.parametrize("factor", [0.5, 0.911, 1, 1.25])
def test_a_rate_scaled_by_k_gives_k_minus_1(method, factor):
    result = bd_rate(RATES, SCORES, factor * RATES[::-1], SCORES[::-1], method=method)
    assert result.bd_rate_percent == pytest.approx(100 * (factor - 1), abs=1e-9)
    assert result.overlap.bpp == pytest.approx((0.22, 1.2))
    assert result.overlap.fraction == 1


def test_a_curve_against_itself_has_no_minus_zero():
    assert str(bd_rate(RATES, SCORES, RATES, SCORES).bd_rate_percent) == "0.0"


def test_swapping_turns_the_sign():
    curves = (RATES, SCORES), ([0.2, 0.33, 0.57, 0.8, 1.3], [-0.52, -0.33, -0.19, -0.12, -0.04])
    forth, back = (bd_rate(*a, *t).bd_rate_percent / 100 for a, t in (curves, curves[::-1]))
    assert (1 + forth) * (1 + back) == pytest.approx(1, abs=1e-12)
    assert forth < 0 < back


def _vceg_m33(anchor: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> float:
    """VCEG-M33: a cubic of log rate in the score through four points, integrated."""
    fits = [
        np.linalg.solve(np.vander(scores, 4, increasing=True), np.log10(rates))
        for rates, scores in (anchor, test)
    ]
    low = max(scores.min() for _, scores in (anchor, test))
    high = min(scores.max() for _, scores in (anchor, test))
    degrees = np.arange(1, 5)
    area = [np.sum(fit / degrees * (high**degrees - low**degrees)) for fit in fits]
    return float(100 * (10 ** ((area[1] - area[0]) / (high - low)) - 1))


@METHODS
def test_agrees_with_the_cubic_of_vceg_m33_on_smooth_curves(method):
    rng = np.random.default_rng(3)
    for _ in range(20):
        rates = np.sort(rng.uniform([0.1, 0.25, 0.5, 1.0], [0.15, 0.35, 0.7, 1.5]))
        change = rng.uniform(0.75, 1.3)
        quality = 33 + 5 * np.log2(rates) - 0.3 * np.log2(rates) ** 2
        bent = quality + 0.1 * np.log2(rates) + rng.uniform(-0.1, 0.1)
        curves = (rates, quality), (change * rates, bent)
        percent = bd_rate(*curves[0], *curves[1], method=method).bd_rate_percent
        assert percent == pytest.approx(_vceg_m33(*curves), abs=0.4)
        assert abs(percent) > 0.5 or abs(change - 1) < 0.1


def test_crossing_accuracies_are_made_monotone_and_ties_go_to_the_lower_rate():
    straight = [*RATES[:2], RATES[3], 9.0], [0.5, 0.68, 0.8, 0.8]
    result = bd_rate(RATES, [0.5, 0.7, 0.66, 0.8, 0.8], *straight)
    assert result.bd_rate_percent == pytest.approx(0, abs=1e-9)
    assert result.levels == (3, 3)


@pytest.mark.parametrize(
    ("rates", "scores", "message"),
    [
        (RATES[:3], SCORES[:3], "the test curve has 3:"),
        (RATES, SCORES - 1, "share no range"),
        (RATES, SCORES[::-1], "share no range"),
        (RATES, [*SCORES[:4], np.inf], "not a finite number"),
        ([*RATES[:4], np.nan], SCORES, "not a finite number"),
        ([0, *RATES[1:]], SCORES, "not a finite number"),
        (RATES, SCORES + 0.42, r"overlap in 3.45% of their range of scores \(-0.5 to -0.05 and"),
    ],
)
def test_curves_without_an_honest_number_are_refused(rates, scores, message):
    with pytest.raises(NotComparableError, match=message):
        bd_rate(RATES, SCORES, rates, scores)


def test_ten_per_cent_of_overlap_suffice():
    steps = np.arange(5.0)
    assert bd_rate(RATES, steps, RATES, steps + 3.2).overlap.fraction == pytest.approx(1 / 9)
