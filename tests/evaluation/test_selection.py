"""Choosing curves from results."""

import numpy as np
import pytest

from neurocodec.errors import UsageError
from neurocodec.evaluation.selection import anchor_and_test, gather, select
from tests.evaluation.made import results

_RNG = np.random.default_rng(0)
ONE = results(_RNG, ("none", 1.0), pictures=2)
OTHER = results(_RNG, ("blur:sigma=0.5", 0.9), pictures=2)
THIRD = results(_RNG, ("none", 1.0), pictures=2, model="mcunet")
CURVES = gather([*ONE, *OTHER, *THIRD])


def test_points_are_sorted_by_rate_and_keep_their_pictures():
    curve = CURVES[0]
    assert [point.qp for point in curve.points] == [41, 37, 34, 31, 28]
    assert [next(iter(row.values())).qp for row in curve.pictures] == [41, 37, 34, 31, 28]


def test_a_later_line_of_the_same_point_holds():
    again = gather([*ONE, *ONE])
    assert [len(curve.points) for curve in again] == [5]


def test_a_value_may_hold_equals_signs_and_colons():
    assert select(CURVES, "pre=blur:sigma=0.5", "--test").setup.pre == "blur:sigma=0.5"


def test_filter_is_another_name_of_pre():
    assert select(CURVES, "filter=blur:sigma=0.5", "--test") is CURVES[1]


def test_several_keys_narrow():
    assert select(CURVES, "pre=none,model=mcunet", "--test") is CURVES[2]


def test_ambiguity_lists_what_differs():
    with pytest.raises(UsageError, match=r"--anchor pre=none: 2 .* model=squeezenet \| mcunet$"):
        select(CURVES, "pre=none", "--anchor")


def test_no_match_lists_what_there_is():
    with pytest.raises(UsageError, match=r"no such curve.* filter=none \| blur:sigma=0.5$"):
        select(CURVES, "codec=bpg,pre=tvl1", "--anchor")


@pytest.mark.parametrize("chosen", ["codec", "colour=red", "=bpg"])
def test_what_cannot_be_read_lists_the_keys(chosen):
    with pytest.raises(UsageError, match="one of data, pictures"):
        select(CURVES, chosen, "--anchor")


def test_no_curves_at_all():
    with pytest.raises(UsageError, match="run neurocodec evaluate"):
        select([], "", "--anchor")


def test_two_files_are_anchor_and_test():
    anchor, test = anchor_and_test([ONE, OTHER], "", "")
    assert (anchor.setup.pre, test.setup.pre) == ("none", "blur:sigma=0.5")


def test_two_files_of_one_setup_stay_apart():
    anchor, test = anchor_and_test([ONE, ONE], "", "")
    assert anchor is not test


def test_only_the_file_of_several_curves_needs_a_choice():
    chosen = anchor_and_test([ONE, [*OTHER, *THIRD]], "", "pre=blur:sigma=0.5")
    assert [curve.setup.pre for curve in chosen] == ["none", "blur:sigma=0.5"]
    with pytest.raises(UsageError, match="--test"):
        anchor_and_test([ONE, [*OTHER, *THIRD]], "", "")


def test_both_choices_look_into_all_files():
    chosen = anchor_and_test([OTHER, ONE], "pre=none", "pre=blur:sigma=0.5")
    assert [curve.setup.pre for curve in chosen] == ["none", "blur:sigma=0.5"]


def test_one_file_of_one_curve_needs_another():
    with pytest.raises(UsageError, match="one curve"):
        anchor_and_test([ONE], "", "")
