"""The grid of settings that a measurement goes over, from lists as they are typed."""

from collections.abc import Sequence
from itertools import product

from neurocodec.errors import UsageError
from neurocodec.pipeline import Pipeline, Setting

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


def settings_over(
    codecs: Sequence[str],
    pres: Sequence[str],
    *,
    qps: str | None,
    qualities: str | None,
    chroma: str | None,
    device: str,
) -> list[Setting]:
    """Every setting of the grid, curve by curve, each checked before any work.

    Raises:
        UsageError: a setting is out of range, or asks a codec for a rate that it cannot reach:
            a point there would stand for another QP than it says.
    """
    if qps and qualities:
        raise UsageError("give one of --qp and --quality")
    levels: list[tuple[int | None, int | None]] = (
        [(None, quality) for quality in numbers(qualities, "--quality")]
        if qualities
        else [(qp, None) for qp in numbers(qps or ANCHOR_QPS, "--qp")]
    )
    grid = [
        Setting(codec, qp, quality, chroma, pre, device=device, in_process=True)
        for codec, pre, (qp, quality) in product(codecs, pres, levels)
    ]
    for setting in grid:
        _check(setting)
    return grid


def _check(setting: Setting) -> None:
    ready = Pipeline(setting)
    if ready.saturated:
        raise UsageError(
            f"{ready.codec.name} does not reach BPG's rate at QP {setting.qp}: "
            "leave that QP out, or give --quality"
        )
