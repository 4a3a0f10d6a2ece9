"""Tables: the tone of a cell, and rows that are told apart."""

from dataclasses import replace

import pytest
from neurocodec.evaluation.comparison import Comparison, Pair, pairs

from neurocodec.evaluation import tables
from neurocodec.evaluation.bd_rate import compare
from neurocodec.evaluation.selection import Curve
from tests.evaluation.made import points

RATES = [0.22, 0.4, 0.6, 0.85, 1.2]
SCORES = [-0.5, -0.3, -0.2, -0.1, -0.05]


def _comparison(test: Curve, interval: tuple[float, float] | None = None) -> Comparison:
    anchor = points(RATES, SCORES)
    found = replace(compare(anchor, test, across_codecs=True), interval=interval)
    return Comparison(Pair(anchor, test, "kl", False), found, "")


@pytest.mark.parametrize(
    ("interval", "tone"),
    [((-3, -0.1), "better"), ((0.1, 3), "worse"), ((-1, 1), "open"), ((0, 0), "open")],
)
def test_only_an_interval_beside_zero_is_coloured(interval, tone):
    found = _comparison(points(RATES, SCORES, pre="blur"), interval)
    ((_, (cell,)),) = tables.filter_tables([found])[0].rows
    assert cell.tone == tone


def test_filters_of_one_name_and_different_weights_have_rows_of_their_own():
    trained = [points(RATES, SCORES, pre="npp", weights_sha256=digit * 64) for digit in "ab"]
    (table,) = tables.filter_tables([_comparison(curve) for curve in trained])
    assert [row for row, _ in table.rows] == ["bpg, npp, aaaaaaaa", "bpg, npp, bbbbbbbb"]
    assert len(tables.transfer_tables([_comparison(curve) for curve in trained])) == 2


def test_transfer_has_recognisers_as_rows_and_codecs_as_columns():
    curves = [
        points(RATES, SCORES, pre="npp", model=model, codec=codec)
        for model, codec in (("a", "bpg"), ("a", "jpeg"), ("b", "jpeg"))
    ]
    anchored = [Comparison(Pair(c, c, "kl", False), compare(c, c), "") for c in curves]
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
