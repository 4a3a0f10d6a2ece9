"""One scale for all codecs: BPG's QP, carried over at equal mean bpp on the Kodak pictures.

The rates are in qp_tables.json beside this file, which also says how they were measured.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from neurocodec.codecs.codec import Codec, load
from neurocodec.codecs.level import Level, label
from neurocodec.errors import UsageError

_REFERENCE = "bpg"
_ON_ITS_SCALE = frozenset({_REFERENCE, "mbt2018"})


def own_level(codec: Codec, level: Level) -> Level:
    """Turn the level that a user asks for into the codec's own.

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


def level_at_qp(codec_name: str, qp: int) -> int:
    """Find the level whose mean bpp is nearest to BPG's at `qp`, by their ratio.

    Args:
        codec_name: its key in CODECS; for those on BPG's own scale the level is `qp`.
        qp: of BPG, 0..51.

    Raises:
        UsageError: no such QP, or a codec without a table.
    """
    _check_qp(qp)
    if codec_name in _ON_ITS_SCALE:
        return qp
    wanted = _rate(_REFERENCE, qp)
    return min(_levels(codec_name), key=lambda level: abs(_rate(codec_name, level) - wanted))


def bpg_qp(codec_name: str, level: Level) -> float:
    """Find the QP, with a fraction, at which BPG has the mean bpp that a codec has at its level.

    The inverse of `own_level`; 0 or 51 where BPG itself does not reach that bpp.

    Raises:
        UsageError: not a level of that codec, or a codec without a table.
    """
    if codec_name in _ON_ITS_SCALE:
        _check_qp(level.value)
        return float(level.value)
    _check_level(codec_name, level)
    qps, rates = _curve(_REFERENCE)
    falling = [-rate for rate in rates]
    return _interpolated(falling, [float(qp) for qp in qps], -_rate(codec_name, level.value))


def saturated(codec_name: str, level: Level) -> bool:
    """Tell whether the end of the codec's range stands in for the QP that was asked for.

    So it is where BPG's mean bpp lies beyond that end by more than half a level, where the next
    level would be nearer if there was one.

    Raises:
        UsageError: no such QP, or no such codec.
    """
    if level.unit == load(codec_name).unit:
        return False
    _check_qp(level.value)
    wanted, levels = _rate(_REFERENCE, level.value), _levels(codec_name)
    ends = [(levels[0], levels[1]), (levels[-1], levels[-2])]
    (low, low_step), (high, high_step) = sorted(
        (_rate(codec_name, end), abs(_rate(codec_name, end) - _rate(codec_name, inner)))
        for end, inner in ends
    )
    return not low - low_step / 2 <= wanted <= high + high_step / 2


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, list[float]]]:
    content = files("neurocodec.codecs").joinpath("qp_tables.json").read_text()
    tables: dict[str, dict[str, list[float]]] = json.loads(content)["codecs"]
    return tables


@lru_cache
def _curve(codec_name: str) -> tuple[list[int], list[float]]:
    """The measured levels, ascending, and the logarithm of the mean bpp at each."""
    tables = _tables()
    if codec_name not in tables:
        raise UsageError(
            f"no QP table for {codec_name}: the codecs with one are {', '.join(tables)}"
        )
    measured = tables[codec_name]
    return [int(level) for level in measured["levels"]], [math.log(bpp) for bpp in measured["bpp"]]


def _levels(codec_name: str) -> range:
    measured, _ = _curve(codec_name)
    return range(measured[0], measured[-1] + 1)


def _rate(codec_name: str, level: int) -> float:
    """Natural logarithm of the mean bpp; between measured levels a straight line."""
    levels, rates = _curve(codec_name)
    return _interpolated([float(value) for value in levels], rates, level)


def _interpolated(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    """The value at `x` of the line through the points, its ends held; `xs` ascends."""
    if x <= xs[0] or x >= xs[-1]:
        return ys[0] if x <= xs[0] else ys[-1]
    i = bisect_right(xs, x)
    share = (x - xs[i - 1]) / (xs[i] - xs[i - 1])
    return ys[i - 1] + share * (ys[i] - ys[i - 1])


def _check_qp(qp: int) -> None:
    if qp not in range(52):
        raise UsageError(f"the QP goes from 0 to 51, not {qp}")


def _check_level(codec_name: str, level: Level) -> None:
    levels = _levels(codec_name)
    if level.value not in levels:
        what = f"{codec_name}'s {label(level.unit)}"
        raise UsageError(f"{what} goes from {levels[0]} to {levels[-1]}, not {level.value}")
