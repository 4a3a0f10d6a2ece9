"""The search over levels, on made curves: what it finds, and how few measurements it takes."""

import math
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurocodec.batch import targets
from neurocodec.batch.targets import Found, Target, along, bisection, last_holding
from neurocodec.codecs import Level, qp_tables
from neurocodec.errors import UsageError
from neurocodec.pipeline import Pipeline, Setting

KODAK_LIKE = 0.4  # a picture of this share of the table's rates
LEVELS = {"bpg": 52, "jpeg": 100, "jpeg2000": 41, "vvc": 64}


class Measured:
    """A curve that counts what is asked of it, and refuses to be asked twice."""

    def __init__(self, curve):
        self.curve, self.asked = curve, []

    def __call__(self, at):
        assert at not in self.asked
        self.asked.append(at)
        return self.curve(at) if callable(self.curve) else self.curve[at]


def most(codec):
    """The measurements of a plain bisection of all levels, but 7 for the smaller codecs."""
    return max(7, LEVELS[codec].bit_length())


def table(codec, share=KODAK_LIKE):
    """bpp at a level, as a picture has it that takes a share of the mean rate."""
    codec = Pipeline(Setting(codec)).codec
    rates = dict(zip(codec.levels, qp_tables.log_rates(codec), strict=True))
    return lambda level: share * math.exp(rates[level.value])


@given(st.integers(1, 130), st.data())
def test_any_guess_finds_the_last_that_holds_in_as_many_steps_as_are_allowed(count, data):
    border = data.draw(st.integers(0, count))
    curve = Measured(range(count))
    guess = data.draw(st.sampled_from([bisection(count // 3), lambda low, high, _: low + 1]))

    steps = data.draw(st.integers(count.bit_length(), 12))
    found = last_holding(curve, lambda value: value < border, guess, count, steps)

    assert found == Found(max(border - 1, 0), max(border - 1, 0), border > 0)
    assert len(curve.asked) <= steps


@given(st.lists(st.booleans(), min_size=1, max_size=100), st.integers(0, 99))
def test_on_a_curve_that_is_not_monotone_it_ends_where_it_measured_one_to_hold(holds, start):
    curve = Measured(holds)
    found = last_holding(curve, bool, bisection(start), len(holds), 7)

    assert found.index in curve.asked
    assert found.holds == any(holds[at] for at in curve.asked)
    assert found.holds == holds[found.index]
    if found.holds and found.index + 1 < len(holds):
        assert found.index + 1 in curve.asked
        assert not holds[found.index + 1]


@pytest.mark.parametrize("codec", LEVELS)
@pytest.mark.parametrize("share", [0.5, 1, 3])
@pytest.mark.parametrize("bpp", [0.1, 0.5, 2])
def test_a_rate_takes_few_encodings_and_has_the_most_bits_within_it(codec, share, bpp):
    pipeline, curve = Pipeline(Setting(codec)), table(codec, share)
    measured = Measured(curve)

    choice = targets.choose(pipeline, Target("bpp", bpp), measured)

    within = [v for v in pipeline.codec.levels if curve(Level(pipeline.codec.unit, v)) <= bpp]
    if within:
        assert choice.met
        assert choice.level.value == within[-1]
        assert len(measured.asked) <= 5 - (codec != "jpeg")
    else:
        assert (choice.met, choice.level.value) == (False, pipeline.codec.levels[0])


def test_a_rate_that_the_table_is_right_about_takes_two_encodings():
    measured = Measured(table("bpg", 1))
    targets.choose(Pipeline(Setting("bpg")), Target("bpp", 0.7), measured)
    assert [level.value for level in measured.asked] == [32, 31]


def test_a_size_is_guessed_by_the_pictures_pixels():
    curve = table("bpg", 1)
    measured = Measured(lambda level: curve(level) * 4000 / 8)
    choice = targets.choose(Pipeline(Setting("bpg")), Target("size_bytes", 350), measured, 4000)
    assert choice.level == Level("qp", 32)
    assert len(measured.asked) == 2


@pytest.mark.parametrize("codec", LEVELS)
@pytest.mark.parametrize("slope", [0.6, 0.8, 1.25, 1.6])
def test_a_picture_steeper_or_flatter_than_the_table_takes_a_few_more(codec, slope):
    curve, pipeline, counts = table(codec, 1), Pipeline(Setting(codec)), []
    for wanted in (0.05, 0.1, 0.2, 0.5, 1, 3):
        measured = Measured(lambda level: 0.3 * curve(level) ** slope)
        choice = targets.choose(pipeline, Target("bpp", wanted), measured)
        assert choice.measured <= wanted or choice.level.value == pipeline.codec.levels[0]
        counts.append(len(measured.asked))
    assert fmean(counts) <= 4.2
    assert max(counts) <= 6


@pytest.mark.parametrize("codec", LEVELS)
@pytest.mark.parametrize("border", [0, 0.2, 0.9, 1])
def test_a_score_has_the_fewest_bits_and_begins_near_qp_34(codec, border):
    pipeline = Pipeline(Setting(codec))
    levels = list(pipeline.codec.levels)
    least = round(border * (len(levels) - 1))
    measured = Measured(lambda level: float(levels.index(level.value) >= least))

    choice = targets.choose(pipeline, Target("agreement", 1.0), measured)

    assert (choice.met, choice.level.value) == (True, levels[least])
    assert len(measured.asked) <= most(codec)
    qp = qp_tables.bpg_qp(codec, measured.asked[0])
    assert qp == pytest.approx(34, abs=3)


@pytest.mark.parametrize(
    ("target", "end", "curve"),
    [
        (Target("bpp", 0.001), 51, table("bpg")),
        (Target("bpp", 99), 0, table("bpg")),
        (Target("agreement", 0.9), 0, lambda level: 0.5),
        (Target("agreement", 0.9), 51, lambda level: 0.95),
        (Target("kl", 0.1), 0, lambda level: 0.2),
    ],
)
def test_both_ends_are_found_and_what_is_out_of_reach_is_told(target, end, curve):
    measured = Measured(curve)
    choice = targets.choose(Pipeline(Setting("bpg")), target, measured)
    assert choice.level == Level("qp", end)
    assert choice.met == target.holds(curve(choice.level))
    assert len(measured.asked) <= 7
    if not choice.met:
        with pytest.raises(UsageError, match=f"the nearest, QP {end}, has"):
            choice.check()


def test_a_lossless_codec_has_one_level_to_measure():
    pipeline = Pipeline(Setting("bpg:lossless=1"))
    assert pipeline.codec.lossless
    for value, met in (99, True), (0.1, False):
        measured = Measured(lambda level: 8.0)
        assert targets.choose(pipeline, Target("bpp", value), measured).met == met
        assert len(measured.asked) == 1


def test_a_codec_without_a_table_is_bisected(monkeypatch):
    curve = table("bpg")
    monkeypatch.setattr(qp_tables, "log_rates", lambda codec: [])
    measured = Measured(curve)
    choice = targets.choose(Pipeline(Setting("bpg")), Target("bpp", 0.5), measured)
    assert curve(choice.level) <= 0.5 < curve(Level("qp", choice.level.value - 1))
    assert len(measured.asked) <= 7


def test_guesses_run_through_every_measured_point():
    guess = along([0.0, 1.0, 2.0, 3.0, 4.0], math.log(20), scale=1.0)
    assert guess(-1, 5, {}) == 1
    assert guess(1, 5, {1: math.e}) == 2
    assert guess(1, 4, {1: math.e, 4: math.e**5}) == 2
    assert guess(2, 4, {1: math.e, 2: 9.0}) == 3
    assert guess(1, 5, {0: 1.0, 1: math.e**0.6}) == 4  # on with the slope of 0.6
    assert guess(1, 5, {0: 1.0, 1: math.e**9}) == 2
