"""The grid of operating points that a measurement goes over, from lists as they are typed."""

from collections.abc import Sequence
from itertools import product

from neurocodec.codecs import Level
from neurocodec.errors import UsageError
from neurocodec.evaluation.coding import OperatingPoint
from neurocodec.pipeline import Setting, prepared

ANCHOR_QPS = "28,31,34,37,41"


def numbers(text: str, what: str) -> list[int]:
    """The whole numbers of a list separated by commas.

    Raises:
        UsageError: one is none; `what` is what the message calls them.
    """
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise UsageError(f"{what} must be whole numbers, as 28,31,34; not {text!r}") from None


def levels(qps: str | None, qualities: str | None) -> list[Level]:
    """The levels of --qp or --quality; the anchor QPs where neither is given.

    Raises:
        UsageError: both are given, or one is no list of whole numbers.
    """
    if qps and qualities:
        raise UsageError("give one of --qp and --quality")
    if qualities:
        return [Level("quality", value) for value in numbers(qualities, "--quality")]
    return [Level("qp", value) for value in numbers(qps or ANCHOR_QPS, "--qp")]


def points_over(
    codecs: Sequence[str],
    filters: Sequence[str],
    levels: Sequence[Level],
    *,
    chroma: str | None,
    device: str,
) -> list[OperatingPoint]:
    """Every operating point of the grid, curve by curve, each checked before any work.

    Raises:
        UsageError: a level is out of range, or of a rate that the codec cannot reach: a point
            there would stand for another QP than it says.
    """
    settings = [
        Setting(codec, filter, chroma, device=device) for codec, filter in product(codecs, filters)
    ]
    grid = [OperatingPoint(setting, level) for setting, level in product(settings, levels)]
    for point in grid:
        _check(point)
    return grid


def _check(point: OperatingPoint) -> None:
    pipeline = prepared(point.setting)
    pipeline.own_level(point.level)
    if pipeline.saturated(point.level):
        raise UsageError(
            f"{pipeline.codec.name} does not reach BPG's rate at {point.level}: "
            "leave that QP out, or give --quality"
        )
    pipeline.identity(point.level)
