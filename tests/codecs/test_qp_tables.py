"""QP tables: the arithmetic on made tables, and what the shipped ones promise."""

import math
from statistics import fmean

import pytest

from neurocodec import codecs, images
from neurocodec.codecs import Level, qp_tables
from neurocodec.errors import UsageError
from neurocodec.measures.rate import bpp

# Halving every 6 QP; a quality that doubles the bits every 10; a QP that halves them every 8.
MADE = {
    "bpg": {"levels": [0, 24, 51], "bpp": [2.0**5, 2.0**1, 2.0**-3.5]},
    "jpeg": {"levels": [0, 40], "bpp": [2.0**-2, 2.0**2]},
    "vvc": {"levels": [0, 80], "bpp": [2.0**6, 2.0**-4]},
}
OTHERS = ["jpeg", "jpeg2000", "vvc"]


def bpg_qp(name: str, value: int) -> float:
    return qp_tables.bpg_qp(name, Level(codecs.load(name).unit, value))


def saturates(name: str, qp: int) -> bool:
    return qp_tables.saturated(name, Level("qp", qp))


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setattr(qp_tables, "_tables", lambda: MADE)
    qp_tables._curve.cache_clear()
    yield
    qp_tables._curve.cache_clear()


def test_levels_lie_on_the_logarithm_of_the_rate(made):
    assert qp_tables.level_at_qp("jpeg", 18) == 40
    assert qp_tables.level_at_qp("jpeg", 30) == 20
    assert qp_tables.level_at_qp("jpeg", 33) == 15
    assert qp_tables.level_at_qp("vvc", 30) == 48
    assert bpg_qp("jpeg", 20) == pytest.approx(30)
    assert bpg_qp("jpeg", 21) == pytest.approx(29.4)
    assert bpg_qp("vvc", 48) == pytest.approx(30)


def test_ends_saturate(made):
    assert qp_tables.level_at_qp("jpeg", 10) == 40
    assert qp_tables.level_at_qp("jpeg", 50) == 0
    assert [qp for qp in range(52) if not saturates("jpeg", qp)] == [*range(18, 43)]
    assert not any(saturates("vvc", qp) for qp in range(52))
    assert bpg_qp("vvc", 0) == 0
    assert bpg_qp("vvc", 79) == 51


def test_bpg_is_its_own_scale():
    for qp in range(52):
        assert qp_tables.level_at_qp("bpg", qp) == qp
        assert bpg_qp("bpg", qp) == qp
        assert not saturates("bpg", qp)


@pytest.mark.parametrize("name", OTHERS)
def test_levels_are_monotone_in_qp(name):
    order = list(codecs.create(name).levels)
    ranks = [order.index(qp_tables.level_at_qp(name, qp)) for qp in range(52)]
    assert ranks == sorted(ranks, reverse=True)
    free = [r for qp, r in enumerate(ranks) if not saturates(name, qp)]
    assert len(free) > 30
    assert len(set(free)) > 25


@pytest.mark.parametrize("name", OTHERS)
def test_qps_are_monotone_in_the_level(name):
    qps = [bpg_qp(name, level) for level in codecs.create(name).levels]
    assert qps == sorted(qps, reverse=True)


@pytest.mark.parametrize("name", OTHERS)
def test_there_and_back(name):
    for qp in range(20, 42):
        assert not saturates(name, qp)
        back = bpg_qp(name, qp_tables.level_at_qp(name, qp))
        assert abs(back - qp) < 1


@pytest.mark.parametrize("name", ["bpg", *OTHERS])
def test_the_tables_reach_both_ends_of_every_codec(name):
    levels = codecs.create(name).levels
    for level in (min(levels), max(levels)):
        assert 0 <= bpg_qp(name, level) <= 51


def test_a_level_of_the_codecs_unit_is_its_own():
    for name, level in (("bpg", Level("qp", 34)), ("jpeg", Level("quality", 60))):
        assert qp_tables.own_level(codecs.create(name), level) == level
        assert not qp_tables.saturated(name, level)


def test_a_qp_is_carried_over_to_a_quality():
    quality = qp_tables.level_at_qp("jpeg", 34)
    own = qp_tables.own_level(codecs.create("jpeg"), Level("qp", 34))
    assert own == Level("quality", quality)
    assert qp_tables.saturated("jpeg", Level("qp", 51))
    assert not qp_tables.saturated("jpeg", Level("qp", 34))


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("bpg", Level("quality", 60), "bpg has no quality: give --qp N"),
        ("bpg", Level("qp", 52), "bpg's QP goes from 0 to 51, not 52"),
        ("jpeg", Level("quality", 0), "jpeg's quality goes from 1 to 100, not 0"),
        ("jpeg", Level("qp", 52), "the QP goes from 0 to 51, not 52"),
        ("jpeg", Level("iterations", 4), "jpeg has no iterations: give --quality N"),
    ],
    ids=str,
)
def test_a_level_that_the_codec_does_not_have_is_refused(name, asked, message):
    with pytest.raises(UsageError, match=message):
        qp_tables.own_level(codecs.create(name), asked)


def test_a_level_is_written_in_words_and_in_records():
    assert (str(Level("qp", 34)), str(Level("quality", 60))) == ("QP 34", "quality 60")
    assert Level("iterations", 4).record() == {"iterations": 4}


def test_what_is_not_on_the_scale_is_refused():
    for qp in (-1, 52):
        with pytest.raises(UsageError, match=str(qp)):
            qp_tables.level_at_qp("jpeg", qp)
    with pytest.raises(UsageError, match="bpg, jpeg, jpeg2000, vvc"):
        qp_tables.level_at_qp("gif", 30)


@pytest.mark.slow
def test_jpeg_has_bpgs_rate_on_kodak(data_folder):
    """The recorded rates are what the codec gives now, at the one QP that is quick to try."""
    codec = codecs.create("jpeg")
    level = qp_tables.level_at_qp("jpeg", 34)
    rates = []
    for path in sorted(data_folder("kodak").glob("*.png")):
        image = images.read(path.read_bytes(), path.name)
        data = codec.encode(image, Level("quality", level))
        rates.append(bpp(len(data), image.width, image.height))
    recorded = qp_tables._tables()["bpg"]
    below = max(i for i, qp in enumerate(recorded["levels"]) if qp <= 34)
    assert recorded["bpp"][below + 1] < fmean(rates) < recorded["bpp"][below]
    assert math.log(fmean(rates)) == pytest.approx(qp_tables._rate("bpg", 34), abs=0.03)


@pytest.mark.parametrize("name", [*OTHERS, "bpg"])
def test_the_rates_of_all_levels_rise_with_them(name):
    codec = codecs.create(name)
    rates = qp_tables.log_rates(codec)
    assert len(rates) == len(codec.levels)
    assert rates == sorted(rates)
    assert rates[0] < 0 < rates[-1]


def test_a_codec_without_a_table_has_no_rates(made):
    assert qp_tables.log_rates(codecs.create("jpeg2000")) == []
