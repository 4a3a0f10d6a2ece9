"""One scale for all codecs: BPG's QP, carried over at equal mean bpp on the Kodak pictures.

The rates are in qp_tables.json beside this file, which also says how they were measured; those of
dic are its packed bits.
"""

import json
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from neurocodec.codecs.codec import Codec, load
from neurocodec.codecs.level import Level
from neurocodec.errors import UsageError

_REFERENCE = "bpg"
_BPP_OF_AN_ITERATION = 1 / 8  # of dic, by construction; its entropy coding is left out
_ON_ITS_SCALE = frozenset({_REFERENCE, "mbt2018"})


def own_level(codec: Codec, level: Level) -> Level:
    """Convert a level to the codec's unit.

    Args:
        codec: whose level it is to be.
        level: in the codec's unit, or a QP on BPG's scale for a codec with a quality.

    Raises:
        UsageError: the codec does not have such a level.
    """
    if level.unit == codec.unit or level.unit != "qp" or codec.name not in _tables():
        codec.check_level(level)
        return level
    return Level(codec.unit, level_at_qp(codec.name, level.value))


def level_at_qp(codec_name: str, qp: float) -> int:
    """Find the level whose mean bpp is nearest to BPG's at `qp`, by their ratio.

    Args:
        codec_name: its key in CODECS; on BPG's own scale the level is the nearest to `qp`.
        qp: of BPG, 0..51, with or without a fraction.

    Raises:
        UsageError: no such QP, or a codec without a table.
    """
    if not 0 <= qp <= 51:
        raise UsageError(f"the QP goes from 0 to 51, not {qp}")
    if codec_name in _ON_ITS_SCALE:
        return round(qp)
    wanted = _rate(_REFERENCE, qp)
    return min(_levels(codec_name), key=lambda level: abs(_rate(codec_name, level) - wanted))


def bpg_qp(codec_name: str, level: Level) -> float:
    """Find the QP, with a fraction, at which BPG has the mean bpp that a codec has at its level.

    The inverse of `own_level`; 0 or 51 where BPG itself does not reach that bpp.

    Raises:
        UsageError: a codec without a table.
    """
    if codec_name in _ON_ITS_SCALE:
        return float(level.value)
    qps, rates = _curve(_REFERENCE)
    return float(np.interp(-_rate(codec_name, level.value), -rates, qps))


def saturated(codec_name: str, level: Level) -> bool:
    """True if the codec cannot reach BPG's rate at this QP.

    BPG's mean bpp then lies beyond the end of the codec's range by more than half a level: the
    next level would be nearer if there was one.

    Raises:
        UsageError: no such codec.
    """
    if level.unit == load(codec_name).unit:
        return False
    rates = sorted(_rate(codec_name, value) for value in _levels(codec_name))
    lowest, highest = rates[0] - (rates[1] - rates[0]) / 2, rates[-1] + (rates[-1] - rates[-2]) / 2
    return not lowest <= _rate(_REFERENCE, level.value) <= highest


def log_rates(codec: Codec) -> list[float]:
    """The natural logarithm of the mean bpp at each of `codec.levels`; empty without a table."""
    if codec.name not in _tables():
        return []
    return [_rate(codec.name, level) for level in codec.levels]


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, list[float]]]:
    content = files("neurocodec.codecs").joinpath("qp_tables.json").read_text()
    tables: dict[str, dict[str, list[float]]] = json.loads(content)["codecs"]
    iterations = load("dic").levels
    packed = [iteration * _BPP_OF_AN_ITERATION for iteration in iterations]
    return {**tables, "dic": {"levels": [*iterations], "bpp": packed}}


@lru_cache
def _curve(codec_name: str) -> tuple[list[int], npt.NDArray[np.float64]]:
    """The measured levels, ascending, and the natural logarithm of the mean bpp at each."""
    tables = _tables()
    if codec_name not in tables:
        raise UsageError(
            f"no QP table for {codec_name}: filters cannot be told its QP, add --filter none "
            f"(codecs with one: {', '.join(tables)})"
        )
    measured = tables[codec_name]
    return [int(level) for level in measured["levels"]], np.log(measured["bpp"])


def _levels(codec_name: str) -> range:
    measured, _ = _curve(codec_name)
    return range(measured[0], measured[-1] + 1)


def _rate(codec_name: str, level: float) -> float:
    """Natural logarithm of the mean bpp; between measured levels a straight line."""
    return float(np.interp(level, *_curve(codec_name)))
