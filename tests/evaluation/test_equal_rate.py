"""Two curves at one rate: the scores between points, their difference and its interval."""

from dataclasses import replace

import numpy as np
import pytest

from neurocodec.errors import NotComparableError, UsageError
from neurocodec.evaluation.bd_rate import Estimation
from neurocodec.evaluation.equal_rate import compare, score_at
from neurocodec.evaluation.selection import gather
from tests.evaluation.made import results

FEW = Estimation(replicates=100)


@pytest.fixture
def pair():
    return gather(results(np.random.default_rng(0), ("none", 1.0), ("blur", 0.8)))


def test_between_points_a_score_is_a_line_over_the_log_rate():
    rates, scores = np.array([1.0, 0.25]), np.array([0.8, 0.6])

    assert score_at(0.5, rates, scores) == pytest.approx(0.7)
    assert score_at(0.25, rates, scores) == pytest.approx(0.6)
    assert np.isnan(score_at(0.2, rates, scores))
    assert np.isnan(score_at(1.1, rates, scores))


def test_a_curve_of_fewer_bits_scores_higher_at_equal_rate(pair):
    found = compare(*pair, 0.5, "kl", FEW)

    assert found.difference == pytest.approx(found.test_score - found.anchor_score)
    assert found.interval is not None
    assert 0 < found.interval[0] < found.difference < found.interval[1]
    assert (found.metric, found.bpp, found.replicates) == ("kl", 0.5, 100)


def test_a_curve_against_itself_differs_by_nothing(pair):
    same = compare(pair[0], pair[0], 0.5, "kl", FEW)

    assert (same.difference, same.interval) == (0.0, (0.0, 0.0))


def test_a_rate_beyond_the_measured_ones_is_refused(pair):
    with pytest.raises(NotComparableError, match="not at 9: measure more levels"):
        compare(*pair, 9, "kl", FEW)


def test_an_unknown_metric_is_refused(pair):
    with pytest.raises(UsageError, match="has no lpips"):
        compare(*pair, 0.5, "lpips", FEW)


def test_without_lines_of_pictures_there_is_no_interval(pair):
    bare = [replace(curve, pictures=()) for curve in pair]
    found = compare(*bare, 0.5, "kl", FEW)
    assert found.interval is None
    assert "--per-image" in found.note
