"""Choosing a filter's setting by the codec's rate–distortion slope."""

from dataclasses import replace

import pytest

from neurocodec.codecs import Level
from neurocodec.errors import NotComparableError, UsageError
from neurocodec.evaluation import choice
from neurocodec.evaluation.results import Point
from neurocodec.evaluation.selection import Curve, gather
from tests.evaluation.made import SETUP

QPS = (28, 31, 34, 37, 41)
DIVERGENCES = (0.5, 1.0, 2.0, 4.0, 8.0)


def point(qp: int, bpp: float, divergence: float, pre: str = "none", **setup: object) -> Point:
    return Point(replace(SETUP, pre=pre, **setup), Level("qp", qp), bpp, {"kl": -divergence})


def unfiltered(**setup: object) -> list[Point]:
    """R = 1 / D, whose slope is −1 / D²."""
    return [point(qp, 1 / d, d, **setup) for qp, d in zip(QPS, DIVERGENCES, strict=True)]


def test_a_filter_wins_where_it_saves_more_than_the_codec_would():
    good = point(34, 0.40, 2.0, "blur:sigma=0.5")
    bad = point(34, 0.40, 4.0, "blur:sigma=2")
    chosen, costs = choice.choose(gather([*unfiltered(), good, bad]))
    assert chosen[34] == "blur:sigma=0.5"
    assert chosen[28] == "none"
    assert set(costs[34]) == {"none", "blur:sigma=0.5", "blur:sigma=2"}


def test_recognisers_are_averaged():
    points = [*unfiltered(model="a"), *unfiltered(model="b")]
    points += [point(34, 0.45, 2.0, "x", model="a"), point(34, 0.45, 9.0, "x", model="b")]
    assert choice.choose(gather(points))[0][34] == "none"


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (unfiltered()[:3], "curve of four QPs"),
        ([point(34, 0.4, 2.0, "x")], "curve of four QPs"),
        (unfiltered(), "none of the unfiltered"),
        ([*unfiltered(), point(35, 0.4, 2.0, "x")], "none of the unfiltered"),
        (
            [*unfiltered(model="a"), *unfiltered(model="b"), point(34, 0.4, 2.0, "x", model="a")],
            "1 curves of 2 recognisers",
        ),
        (
            [*unfiltered(), *(point(34, 0.4, 2.0, "x", weights_sha256=w) for w in "ab")],
            "2 curves of 1 recognisers",
        ),
        ([*unfiltered(), point(34, 0.4, 2.0, "x", pictures_sha256="cafe")], "pictures_sha256"),
        ([*unfiltered(), *unfiltered(model="b", data="other")], "different data"),
        ([*unfiltered(), point(34, 0.4, 2.0, "x", chroma="444")], "different chroma"),
        ([*unfiltered(), replace(point(34, 0.4, 2.0, "x"), scores={"top1": 1.0})], "no kl"),
    ],
)
def test_results_that_cannot_be_judged_are_refused(points, message):
    with pytest.raises(NotComparableError, match=message):
        choice.choose(gather(points))


def _curves() -> list[Curve]:
    blurs = [point(34, 0.4, 2.0, f"blur:sigma={sigma}") for sigma in (1, 2)]
    scale = point(34, 0.4, 2.0, "scale:factor=0.5")
    return gather([*unfiltered(), *blurs, scale, *unfiltered(codec="jpeg")])


def test_candidates_are_the_filter_and_none():
    chosen = choice.candidates(_curves(), "bpg", "blur")
    assert [curve.setup.pre for curve in chosen] == ["none", "blur:sigma=1", "blur:sigma=2"]


@pytest.mark.parametrize(
    ("codec", "name", "message"),
    [
        ("vvc", "blur", "--codec vvc: the results have bpg, jpeg"),
        ("bpg", "tvl1", "--filter tvl1: the results have, with bpg, blur, scale"),
        ("bpg", "none", "--filter none"),
        ("jpeg", "blur", "with jpeg, none"),
    ],
)
def test_an_unknown_codec_or_filter_lists_the_known_ones(codec, name, message):
    with pytest.raises(UsageError, match=message):
        choice.candidates(_curves(), codec, name)
