"""Choosing a filter's setting by the codec's own exchange rate."""

import pytest

from neurocodec.errors import NotComparableError
from neurocodec.evaluation import choice
from neurocodec.evaluation.results import Point, Setup

QPS = (28, 31, 34, 37, 41)


def point(qp: int, bpp: float, divergence: float, pre: str = "none", model: str = "m") -> Point:
    setup = Setup("d", 9, "s", "classification", model, "h", "bpg", "x", "420", pre, "", "0")
    return Point(setup, qp, None, bpp, {"kl": -divergence})


def unfiltered(model: str = "m") -> list[Point]:
    """R = 1 / D, whose slope is −1 / D²."""
    divergences = (0.5, 1.0, 2.0, 4.0, 8.0)
    return [point(qp, 1 / d, d, model=model) for qp, d in zip(QPS, divergences, strict=True)]


def test_the_exchange_rate_is_the_slope_of_the_curve():
    rates = choice.exchange_rates(unfiltered())
    assert list(rates) == list(QPS)
    assert rates[34] == pytest.approx(1 / 2.0**2, rel=0.35)
    assert list(rates.values()) == sorted(rates.values(), reverse=True)


def test_a_filter_wins_where_it_saves_more_than_the_codec_would():
    good = point(34, 0.40, 2.0, "blur:sigma=0.5")
    bad = point(34, 0.40, 4.0, "blur:sigma=2")
    chosen, costs = choice.choose([*unfiltered(), good, bad])
    assert chosen[34] == "blur:sigma=0.5"
    assert chosen[28] == "none"
    assert set(costs[34]) == {"none", "blur:sigma=0.5", "blur:sigma=2"}


def test_recognisers_are_averaged():
    points = [*unfiltered("a"), *unfiltered("b")]
    points += [point(34, 0.45, 2.0, "x", "a"), point(34, 0.45, 9.0, "x", "b")]
    assert choice.choose(points)[0][34] == "none"


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(NotComparableError, match="four QPs"):
        choice.exchange_rates(unfiltered()[:3])
    with pytest.raises(NotComparableError, match="1 of 2 models"):
        choice.choose([*unfiltered("a"), *unfiltered("b"), point(34, 0.4, 2.0, "x", "a")])
