"""QP tables: the arithmetic on made tables, and what the shipped ones promise."""

import math
from statistics import fmean

import pytest

from neurocodec import codecs, images
from neurocodec.codecs import qp_tables
from neurocodec.errors import UsageError
from neurocodec.measures.rate import bpp

# Halving every 6 QP; a quality that doubles the bits every 10; a QP that halves them every 8.
MADE = {
    "bpg": {"levels": [0, 24, 51], "bpp": [2.0**5, 2.0**1, 2.0**-3.5]},
    "jpeg": {"levels": [0, 40], "bpp": [2.0**-2, 2.0**2]},
    "vvc": {"levels": [0, 80], "bpp": [2.0**6, 2.0**-4]},
}
OTHERS = ["jpeg", "jpeg2000", "vvc"]


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
    assert qp_tables.qp_at_level("jpeg", 20) == pytest.approx(30)
    assert qp_tables.qp_at_level("jpeg", 21) == pytest.approx(29.4)
    assert qp_tables.qp_at_level("vvc", 48) == pytest.approx(30)


def test_ends_saturate(made):
    assert qp_tables.level_at_qp("jpeg", 10) == 40
    assert qp_tables.level_at_qp("jpeg", 50) == 0
    assert [qp for qp in range(52) if not qp_tables.qp_saturates("jpeg", qp)] == [*range(18, 43)]
    assert not any(qp_tables.qp_saturates("vvc", qp) for qp in range(52))
    assert qp_tables.qp_at_level("vvc", 0) == 0
    assert qp_tables.qp_at_level("vvc", 79) == 51
    assert [level for level in range(81) if qp_tables.level_saturates("vvc", level)] == [
        *range(8),
        *range(77, 81),
    ]


def test_bpg_is_its_own_scale():
    for qp in range(52):
        assert qp_tables.level_at_qp("bpg", qp) == qp
        assert qp_tables.qp_at_level("bpg", qp) == qp
        assert not qp_tables.qp_saturates("bpg", qp)
        assert not qp_tables.level_saturates("bpg", qp)


@pytest.mark.parametrize("name", OTHERS)
def test_levels_are_monotone_in_qp(name):
    order = list(codecs.create(name).levels)
    ranks = [order.index(qp_tables.level_at_qp(name, qp)) for qp in range(52)]
    assert ranks == sorted(ranks, reverse=True)
    free = [r for qp, r in enumerate(ranks) if not qp_tables.qp_saturates(name, qp)]
    assert len(free) > 30
    assert len(set(free)) > 25


@pytest.mark.parametrize("name", OTHERS)
def test_qps_are_monotone_in_the_level(name):
    qps = [qp_tables.qp_at_level(name, level) for level in codecs.create(name).levels]
    assert qps == sorted(qps, reverse=True)


@pytest.mark.parametrize("name", OTHERS)
def test_there_and_back(name):
    for qp in range(20, 42):
        assert not qp_tables.qp_saturates(name, qp)
        back = qp_tables.qp_at_level(name, qp_tables.level_at_qp(name, qp))
        assert abs(back - qp) < 1


@pytest.mark.parametrize("name", ["bpg", *OTHERS])
def test_the_tables_reach_both_ends_of_every_codec(name):
    levels = codecs.create(name).levels
    for level in (min(levels), max(levels)):
        assert 0 <= qp_tables.qp_at_level(name, level) <= 51
        for beyond in (min(levels) - 1, max(levels) + 1):
            with pytest.raises(UsageError, match=str(beyond)):
                qp_tables.qp_at_level(name, beyond)


def test_what_is_not_on_the_scale_is_refused():
    for qp in (-1, 52):
        with pytest.raises(UsageError, match=str(qp)):
            qp_tables.level_at_qp("jpeg", qp)
    with pytest.raises(UsageError, match="bpg, jpeg, jpeg2000, vvc"):
        qp_tables.level_at_qp("gif", 30)


def test_jpeg_has_bpgs_rate_on_kodak(data_folder):
    """The recorded rates are what the codec gives now, at the one QP that is quick to try."""
    codec = codecs.create("jpeg")
    level = qp_tables.level_at_qp("jpeg", 34)
    rates = []
    for path in sorted(data_folder("kodak").glob("*.png")):
        image = images.read(path.read_bytes(), path.name)
        rates.append(bpp(len(encoded(codec, image, level)), image.width, image.height))
    recorded = qp_tables._tables()["bpg"]
    below = max(i for i, qp in enumerate(recorded["levels"]) if qp <= 34)
    assert recorded["bpp"][below + 1] < fmean(rates) < recorded["bpp"][below]
    assert math.log(fmean(rates)) == pytest.approx(qp_tables._rate("bpg", 34), abs=0.03)
