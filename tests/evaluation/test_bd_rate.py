"""BD-rate of curves of results: intervals that cover the truth, and refusals."""

from dataclasses import replace

import numpy as np
import pytest

from neurocodec.codecs import Level
from neurocodec.errors import NotComparableError, UsageError
from neurocodec.evaluation import bd_rate as module
from neurocodec.evaluation import bootstrap
from neurocodec.evaluation.bd_rate import Estimation, compare, paired_bd_rate
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
    same = compare(pair[0], pair[0], metric, estimation=Estimation(method, 50))
    assert same.bd_rate_percent == 0.0
    assert same.interval == (0.0, 0.0)
    assert [module.percent(value) for value in (-0.0, -0.04, *same.interval)] == ["0.0"] * 4


@pytest.mark.slow
def test_the_interval_covers_the_truth():
    rng = np.random.default_rng(11)
    factor, hits = 0.93, 0
    for _ in range(100):
        curves = gather(results(rng, ("none", 1.0), ("blur", factor), pictures=60))
        found = compare(*curves, estimation=Estimation(replicates=120))
        assert found.interval is not None
        hits += found.interval[0] <= 100 * (factor - 1) <= found.interval[1]
    assert 88 <= hits <= 99


def test_the_interval_is_seeded(pair):
    found = [compare(*pair, estimation=Estimation(replicates=50, seed=seed)) for seed in (1, 1, 2)]
    assert found[0] == found[1]
    assert found[0].interval != found[2].interval


def test_arrays_give_what_results_give(pair, monkeypatch):
    arrays = []
    for curve in pair:
        rows = [[row[name] for name in sorted(row)] for row in curve.pictures]
        arrays.append(np.array([[picture.bpp for picture in row] for row in rows]))
        arrays.append(np.array([[picture.scores["kl"] for picture in row] for row in rows]))
    monkeypatch.setattr(module, "DEFAULT", Estimation(replicates=50))
    result, expected = paired_bd_rate(*arrays), compare(*pair, estimation=module.DEFAULT)
    assert result.bd_rate_percent == pytest.approx(expected.bd_rate_percent)
    assert result.interval == pytest.approx(expected.interval)


def test_the_bootstrap_is_paired(pair):
    anchor = pair[0]
    doubled = [
        {name: replace(line, bpp=2 * line.bpp) for name, line in row.items()}
        for row in anchor.pictures
    ]
    twice = [replace(point, bpp=2 * point.bpp) for point in anchor.points]
    other = replace(anchor, points=twice, pictures=doubled)
    found = compare(anchor, other, estimation=Estimation(replicates=50))
    assert found.interval == pytest.approx((100, 100))


def test_a_bootstrapped_rate_is_total_bits_over_total_pixels(monkeypatch):
    setup = replace(SETUP, pictures=2)
    sizes, level = {"a": (100, 10, 10), "b": (50, 40, 10)}, Level("qp", 30)
    lines = [
        PictureResult(setup, level, n, w, h, size, 8 * size / (w * h), {"kl": -1.0 * size})
        for n, (size, w, h) in sizes.items()
    ]
    curve = gather([*lines, Point(setup, level, 2.4, {"kl": -75.0})])[0]
    counts = np.array([[1, 1], [2, 0], [0, 2]])
    monkeypatch.setattr(bootstrap, "draw", lambda *_: counts)
    rates, scores = bootstrap.replicate(curve, "kl", 3, 0)
    assert rates[:, 0] == pytest.approx([8 * 150 / 500, 8, 8 * 50 / 400])
    assert scores[:, 0] == pytest.approx([-75, -100, -50])


class _CountsEvidence:
    @staticmethod
    def score_set(pictures: list[PictureScore]) -> dict[str, float]:
        found = [picture.evidence["found"] for picture in pictures]
        return {"map": sum(found) / (1 + max(found))}


def test_a_score_that_is_no_mean_comes_from_the_task(pair, monkeypatch):
    monkeypatch.setitem(bootstrap.TASKS, "classification", f"{__name__}:_CountsEvidence")
    curve = pair[0]
    told = [
        {
            n: replace(p, scores={}, evidence={"found": i})
            for i, (n, p) in enumerate(sorted(row.items()))
        }
        for row in curve.pictures
    ]
    counts = np.array([[1] * 60, [60] + [0] * 59, [0] * 59 + [60]])
    monkeypatch.setattr(bootstrap, "draw", lambda *_: counts)
    _, scores = bootstrap.replicate(replace(curve, pictures=told), "map", 3, 0)
    assert scores[:, 2] == pytest.approx([sum(range(60)) / 60, 0, 60 * 59 / 60])


def test_without_picture_lines_there_is_no_interval():
    found = compare(points(RATES, SCORES), points(RATES, SCORES))
    assert found.interval is None
    assert "--per-image" in found.note


def test_incomplete_picture_lines_give_no_interval(pair):
    short = [dict(list(row.items())[:-1]) for row in pair[1].pictures]
    found = compare(pair[0], replace(pair[1], pictures=short))
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
        compare(points(RATES, SCORES), points(RATES, SCORES, **change))


def test_codecs_are_compared_only_when_asked_for_and_then_it_is_said():
    other = points(RATES, SCORES, codec="jpeg", encoder="libjpeg-turbo", chroma="444")
    found = compare(points(RATES, SCORES), other, across_codecs=True)
    assert found.differs == ("codec", "encoder", "chroma")
    with pytest.raises(NotComparableError, match="recognisers"):
        compare(points(RATES, SCORES), points(RATES, SCORES, model="m"), across_codecs=True)


def test_curves_without_a_bd_rate_are_refused():
    with pytest.raises(NotComparableError, match="needs 4 points, the test curve has 3:"):
        compare(points(RATES, SCORES), points(RATES[:3], SCORES[:3]))


def test_the_task_names_the_metric():
    found = compare(
        points(RATES, SCORES, "map", task="detection"),
        points(RATES, SCORES, "map", task="detection"),
    )
    assert found.metric == "map"


def test_an_unknown_metric_lists_the_known_ones():
    with pytest.raises(UsageError, match="its scores are kl"):
        compare(points(RATES, SCORES), points(RATES, SCORES), "map")


def test_too_many_failed_replicates_are_refused():
    rng = np.random.default_rng(5)
    curves = gather(results(rng, ("none", 1.0), ("blur", 1.0), pictures=8))
    apart = [_shifted(curve, by) for curve, by in zip(curves, (0.0, 0.19), strict=True)]
    with pytest.raises(NotComparableError, match="of 300 bootstrap replicates"):
        compare(*apart, estimation=Estimation(replicates=300))


def _shifted(curve: Curve, by: float) -> Curve:
    """The curve with so much added to every score, which is first made nearly flat."""

    def moved(kept: Point | PictureResult) -> Point | PictureResult:
        return replace(kept, scores={"kl": kept.scores["kl"] + by})

    rows = [{name: moved(line) for name, line in row.items()} for row in curve.pictures]
    return replace(curve, points=[moved(point) for point in curve.points], pictures=rows)
