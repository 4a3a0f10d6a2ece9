"""BD-rate: known answers, another's formula, honest intervals, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from neurocodec.errors import NotComparableError, UsageError
from neurocodec.evaluation import bd_rate as module
from neurocodec.evaluation import bootstrap
from neurocodec.evaluation.bd_rate import bd_rate
from neurocodec.evaluation.bootstrap import Resamples
from neurocodec.evaluation.results import PictureResult, Point
from neurocodec.evaluation.selection import Curve, gather
from neurocodec.tasks import PictureScore
from tests.evaluation.made import SETUP, points, results

RATES = [0.22, 0.4, 0.6, 0.85, 1.2]
SCORES = [-0.5, -0.3, -0.2, -0.1, -0.05]


@pytest.fixture
def pair() -> list[Curve]:
    return gather(results(np.random.default_rng(0), ("none", 1.0), ("blur", 0.9)))


@pytest.mark.parametrize("method", ["pchip", "akima"])
@pytest.mark.parametrize("metric", ["kl", "top1"])
def test_a_curve_against_itself_is_exactly_zero(pair, method, metric):
    same = bd_rate(pair[0], pair[0], metric, method=method)
    assert same.bd_rate_percent == 0.0
    assert same.interval == (0.0, 0.0)
    assert [module.percent(value) for value in (-0.0, -0.04, *same.interval)] == ["0.0"] * 4


@pytest.mark.parametrize("method", ["pchip", "akima"])
@pytest.mark.parametrize("factor", [0.5, 0.911, 1.25])
def test_a_rate_scaled_by_k_gives_k_minus_1(method, factor):
    test = points([factor * rate for rate in RATES], SCORES, pre="blur")
    found = bd_rate(points(RATES, SCORES), test, method=method)
    assert found.bd_rate_percent == pytest.approx(100 * (factor - 1), abs=1e-9)


def test_swapping_turns_the_sign():
    anchor = points(RATES, SCORES)
    test = points([0.2, 0.33, 0.57, 0.8, 1.3], [-0.52, -0.33, -0.19, -0.12, -0.04])
    there, back = (bd_rate(*c).bd_rate_percent / 100 for c in ((anchor, test), (test, anchor)))
    assert (1 + there) * (1 + back) == pytest.approx(1, abs=1e-12)
    assert there < 0 < back


def _vceg_m33(anchor: Curve, test: Curve) -> float:
    """VCEG-M33: a cubic of log rate in the score through four points, integrated."""
    fits, spans = [], []
    for curve in (anchor, test):
        scores = np.array([point.scores["psnr_db"] for point in curve.points])
        powers = np.vander(scores, 4, increasing=True)
        fits.append(np.linalg.solve(powers, np.log10([point.bpp for point in curve.points])))
        spans.append((scores.min(), scores.max()))
    low, high = max(span[0] for span in spans), min(span[1] for span in spans)
    degrees = np.arange(1, 5)
    area = [np.sum(fit / degrees * (high**degrees - low**degrees)) for fit in fits]
    return float(100 * (10 ** ((area[1] - area[0]) / (high - low)) - 1))


@pytest.mark.parametrize("method", ["pchip", "akima"])
def test_agrees_with_the_cubic_of_vceg_m33_on_smooth_curves(method):
    rng = np.random.default_rng(3)
    for _ in range(20):
        rates = np.sort(rng.uniform([0.1, 0.25, 0.5, 1.0], [0.15, 0.35, 0.7, 1.5]))
        change = rng.uniform(0.75, 1.3)
        quality = 33 + 5 * np.log2(rates) - 0.3 * np.log2(rates) ** 2
        anchor = points(list(rates), list(quality), "psnr_db")
        bent = quality + 0.1 * np.log2(rates) + rng.uniform(-0.1, 0.1)
        test = points(list(change * rates), list(bent), "psnr_db")
        found = bd_rate(anchor, test, "psnr_db", method=method).bd_rate_percent
        assert found == pytest.approx(_vceg_m33(anchor, test), abs=0.4)
        assert abs(found) > 0.5 or abs(change - 1) < 0.1


def test_the_interval_covers_the_truth():
    rng = np.random.default_rng(11)
    factor, hits = 0.93, 0
    for _ in range(100):
        curves = gather(results(rng, ("none", 1.0), ("blur", factor), pictures=60))
        found = bd_rate(*curves, replicates=120)
        assert found.interval is not None
        hits += found.interval[0] <= 100 * (factor - 1) <= found.interval[1]
    assert 88 <= hits <= 99


def test_the_interval_is_seeded(pair):
    found = [bd_rate(*pair, replicates=50, seed=seed) for seed in (1, 1, 2)]
    assert found[0] == found[1]
    assert found[0].interval != found[2].interval


def test_the_bootstrap_is_paired(pair):
    anchor = pair[0]
    doubled = [
        {name: replace(line, size_bytes=2 * line.size_bytes) for name, line in row.items()}
        for row in anchor.pictures
    ]
    twice = [replace(point, bpp=2 * point.bpp) for point in anchor.points]
    found = bd_rate(anchor, replace(anchor, points=twice, pictures=doubled), replicates=50)
    assert found.interval == pytest.approx((100, 100))


def test_a_bootstrapped_rate_is_total_bits_over_total_pixels():
    setup = replace(SETUP, pictures=2)
    sizes = {"a": (100, 10, 10), "b": (50, 40, 10)}
    lines = [
        PictureResult(setup, 30, None, name, width, height, size, 0.0, {"kl": -1.0 * size})
        for name, (size, width, height) in sizes.items()
    ]
    curve = gather([*lines, Point(setup, 30, None, 2.4, {"kl": -75.0})])[0]
    found = bootstrap.replicate(
        curve, "kl", Resamples(np.array([[1, 1], [2, 0], [0, 2]])), ("a", "b")
    )
    assert found.rates[:, 0] == pytest.approx([8 * 150 / 500, 8, 8 * 50 / 400])
    assert found.scores[:, 0] == pytest.approx([-75, -100, -50])


class _CountsEvidence:
    @staticmethod
    def score_set(pictures: list[PictureScore]) -> dict[str, float]:
        found = [picture.evidence["found"] for picture in pictures]
        return {"map": sum(found) / (1 + max(found))}


def test_a_score_that_is_no_mean_comes_from_the_task(pair, monkeypatch):
    monkeypatch.setitem(bootstrap.TASKS, "classification", f"{__name__}:_CountsEvidence")
    curve = pair[0]
    told = [
        {n: replace(p, scores={}, evidence={"found": i}) for i, (n, p) in enumerate(row.items())}
        for row in curve.pictures
    ]
    counts = np.array([[1] * 60, [60] + [0] * 59, [0] * 59 + [60]])
    drawn = Resamples(counts)
    found = bootstrap.replicate(replace(curve, pictures=told), "map", drawn, tuple(told[0]))
    assert found.scores[:, 2] == pytest.approx([sum(range(60)) / 60, 0, 60 * 59 / 60])


def test_crossing_accuracies_are_made_monotone_and_ties_go_to_the_lower_rate():
    crossing = points(RATES, [0.5, 0.7, 0.66, 0.8, 0.8], "top1")
    straight = points([*RATES[:2], RATES[3], 9.0], [0.5, 0.68, 0.8, 0.8], "top1")
    found = bd_rate(crossing, straight, "top1")
    assert found.bd_rate_percent == pytest.approx(0, abs=1e-9)
    assert (found.points, found.levels) == ((5, 4), (3, 3))


def test_without_picture_lines_there_is_no_interval():
    found = bd_rate(points(RATES, SCORES), points(RATES, SCORES))
    assert found.interval is None
    assert "--per-image" in found.note


def test_incomplete_picture_lines_give_no_interval(pair):
    short = [dict(list(row.items())[:-1]) for row in pair[1].pictures]
    found = bd_rate(pair[0], replace(pair[1], pictures=short))
    assert found.interval is None
    assert "--per-image" in found.note


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"chroma": "444"}, "chroma"),
        ({"encoder": "bpgenc 0.9.8"}, "encoders"),
        ({"codec": "jpeg"}, "codecs"),
        ({"model": "mcunet"}, "recognisers"),
        ({"pictures": 61}, "pictures"),
        ({"pictures_sha256": "cafe"}, "pictures"),
        ({"task": "detection"}, "tasks"),
    ],
)
def test_curves_of_different_things_are_refused(change, word):
    with pytest.raises(NotComparableError, match=word):
        bd_rate(points(RATES, SCORES), points(RATES, SCORES, **change))


def test_codecs_are_compared_only_when_asked_for_and_then_it_is_said():
    other = points(RATES, SCORES, codec="jpeg", encoder="libjpeg-turbo", chroma="444")
    found = bd_rate(points(RATES, SCORES), other, across_codecs=True)
    assert found.differs == ("codec", "encoder", "chroma")
    with pytest.raises(NotComparableError, match="recognisers"):
        bd_rate(points(RATES, SCORES), points(RATES, SCORES, model="m"), across_codecs=True)


def test_three_points_are_refused():
    with pytest.raises(NotComparableError, match="3 points"):
        bd_rate(points(RATES, SCORES), points(RATES[:3], SCORES[:3]))


def test_curves_without_overlap_are_refused():
    with pytest.raises(NotComparableError, match="share no range"):
        bd_rate(points(RATES, SCORES), points(RATES, [score - 1 for score in SCORES]))


def test_a_falling_curve_is_refused():
    with pytest.raises(NotComparableError, match="share no range"):
        bd_rate(points(RATES, SCORES), points(RATES, SCORES[::-1]))


def test_an_infinite_score_is_refused():
    with pytest.raises(NotComparableError, match="not finite"):
        bd_rate(points(RATES, SCORES), points(RATES, [*SCORES[:4], float("inf")]))


def test_an_unknown_metric_lists_the_known_ones():
    with pytest.raises(UsageError, match="its scores are kl"):
        bd_rate(points(RATES, SCORES), points(RATES, SCORES), "map")


def test_too_many_failed_replicates_are_refused():
    rng = np.random.default_rng(5)
    curves = gather(results(rng, ("none", 1.0), ("blur", 1.0), pictures=8))
    apart = [_shifted(curve, by) for curve, by in zip(curves, (0.0, 0.19), strict=True)]
    with pytest.raises(NotComparableError, match="of 300 bootstrap replicates"):
        bd_rate(*apart, replicates=300)


def _shifted(curve: Curve, by: float) -> Curve:
    """The curve with so much added to every score, which is first made nearly flat."""

    def moved(kept: Point | PictureResult) -> Point | PictureResult:
        return replace(kept, scores={"kl": kept.scores["kl"] + by})

    rows = [{name: moved(line) for name, line in row.items()} for row in curve.pictures]
    return replace(curve, points=[moved(point) for point in curve.points], pictures=rows)
