"""Tables: the tone of a cell, and rows that are told apart."""

from dataclasses import replace

import pytest

from neurocodec.evaluation.bd_rate import compare
from neurocodec.evaluation.selection import Curve
from neurocodec.report import tables
from neurocodec.report.comparisons import Comparison, pairs
from neurocodec.tasks import metrics
from tests.evaluation.made import points

RATES = [0.22, 0.4, 0.6, 0.85, 1.2]
SCORES = [-0.5, -0.3, -0.2, -0.1, -0.05]
KL = metrics()["kl"]


def _comparison(test: Curve, interval: tuple[float, float] | None = None) -> Comparison:
    anchor = points(RATES, SCORES)
    found = replace(compare(anchor, test, across_codecs=True), interval=interval)
    return Comparison(anchor, test, KL, False, found)


@pytest.mark.parametrize(
    ("interval", "tone"),
    [((-3, -0.1), "better"), ((0.1, 3), "worse"), ((-1, 1), "open"), ((0, 0), "open")],
)
def test_only_an_interval_beside_zero_is_coloured(interval, tone):
    found = _comparison(points(RATES, SCORES, pre="blur"), interval)
    ((_, (cell,)),) = tables.subject_tables([found])[0].rows
    assert cell.tone == tone


def test_filters_of_one_name_and_different_weights_have_rows_of_their_own():
    trained = [points(RATES, SCORES, pre="npp", weights_sha256=digit * 64) for digit in "ab"]
    (table,) = tables.subject_tables([_comparison(curve) for curve in trained])
    assert [row for row, _ in table.rows] == ["bpg, npp, aaaaaaaa", "bpg, npp, bbbbbbbb"]


def test_transfer_needs_several_recognisers():
    alone = _comparison(points(RATES, SCORES, pre="blur"))
    assert tables.transfer_tables([alone, alone]) == []


def test_transfer_has_recognisers_as_rows_and_codecs_as_columns():
    curves = [
        points(RATES, SCORES, pre="npp", model=model, codec=codec)
        for model, codec in (("a", "bpg"), ("a", "jpeg"), ("b", "jpeg"))
    ]
    anchored = [Comparison(c, c, KL, False, compare(c, c)) for c in curves]
    (table,) = tables.transfer_tables(anchored)
    assert table.columns == ["bpg", "jpeg"]
    found = {row: [cell.text for cell in cells] for row, cells in table.rows}
    assert found == {"a, made": ["0.0 %", "0.0 %"], "b, made": ["not measured", "0.0 %"]}


def test_pairs_are_filters_with_their_own_codec_and_codecs_with_bpg():
    curves = [
        points(RATES, SCORES, codec=codec, encoder=codec, pre=pre, model=model)
        for model, codec, pre in (
            ("a", "bpg", "none"),
            ("a", "jpeg", "blur"),
            ("a", "jpeg", "none"),
            ("a", "vvc", "blur"),
            ("b", "bpg", "blur"),
        )
    ]
    said = [(curves.index(p.anchor), curves.index(p.test), p.across_codecs) for p in pairs(curves)]
    assert said == [(2, 1, False), (0, 2, True)]


def test_a_table_in_markdown_has_intervals_and_true_minus_signs():
    found = _comparison(points([0.9 * rate for rate in RATES], SCORES, pre="blur"), (-12.3, -7.8))
    assert tables.markdown(tables.subject_tables([found])) == (
        "## classification, squeezenet on made (60 pictures)\n\n"
        "| codec, filter | KL |\n| --- | ---: |\n| bpg, blur | −10.0 % [−12.3, −7.8] |\n"
    )


def test_a_reason_stands_below_its_table_in_markdown():
    missing = Comparison(points(RATES, SCORES), points(RATES, SCORES), KL, False, None, "why")
    assert tables.markdown(tables.subject_tables([missing])).endswith("| none |\n\n- why\n")


def test_a_human_measure_without_weights_is_absent():
    curve = points([0.9 * rate for rate in RATES], SCORES, "psnr_db", pre="blur", task="fidelity")
    anchor = points(RATES, SCORES, "psnr_db", task="fidelity")
    outcome = compare(anchor, curve, "psnr_db")
    found = Comparison(anchor, curve, metrics()["psnr_db"], False, outcome)
    (table,) = tables.subject_tables([found])
    assert dict(zip(table.columns, (cell.text for cell in table.rows[0][1]), strict=True)) == {
        "PSNR": "−10.0 %",
        "MS-SSIM": "pictures too small",
        "LPIPS": "weights absent",
        "FSIM": "pictures too small",
    }
