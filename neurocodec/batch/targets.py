"""A target in place of a level: the level that reaches it, found with few encodings.

A rate has the most bits within it, a score the fewest bits that reach it. Either way the levels are
put in an order in which those that hold come first, and the last one that holds is looked for:

    holds  holds  holds | fails  fails        "|": one measured to hold, the next to fail
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neurocodec.codecs import Codec, Level, qp_tables
from neurocodec.errors import UsageError
from neurocodec.pipeline import Pipeline

BPP, SIZE, AGREEMENT, KL = "bpp", "size_bytes", "agreement", "kl"
START_QP = 34

# A bisection of up to 127 levels takes as many; of fewer ones it may begin out of their middle.
_BISECTION_STEPS = 7
# How many more a curve may take that is like no picture's, so that guesses are free on all others.
_SLACK = 3
# Pictures differ in how fast their rate grows, by no more than this against the mean of Kodak's.
_FLATTEST, _STEEPEST = 0.5, 2.0
_NEAR = 0.05

Array = npt.NDArray[np.float64]
Guess = Callable[[int, int, Mapping[int, float]], int]
"""From the last index known to hold, the first known to fail, and what was measured by index, to
the index to measure next."""


@dataclass(frozen=True)
class Target:
    """What a level has to reach.

    Attributes:
        quantity: "bpp" or "size_bytes", at most; "agreement", at least; "kl", at most, in nats.
        value: in the quantity's unit.
        models: recognisers of a score, which is the mean over them.
        task: theirs.
    """

    quantity: str
    value: float
    models: tuple[str, ...] = ()
    task: str = "classification"

    @property
    def is_rate(self) -> bool:
        """True for bits, False for a score."""
        return self.quantity in {BPP, SIZE}

    def holds(self, measured: float) -> bool:
        """True if the measured value is within the target."""
        return measured >= self.value if self.quantity == AGREEMENT else measured <= self.value


@dataclass(frozen=True)
class Reached:
    """What came of a target.

    Attributes:
        quantity: of the target.
        value: as asked for.
        reached: measured at the chosen level.
        met: the target holds there.
        encodings: how many were made on the way; those of a cache do not count.
    """

    quantity: str
    value: float
    reached: float
    met: bool
    encodings: int

    def miss(self, level: Level) -> str:
        """The message of a target that is not met, with the level that comes nearest."""
        asked, nearest = spell(self.quantity, self.value), spell(self.quantity, self.reached)
        return f"no level reaches {asked}; the nearest, {level}, has {nearest}"


@dataclass(frozen=True)
class Found:
    """The outcome of a search: where it ended, what was measured there, and if that holds."""

    index: int
    measured: float
    holds: bool


@dataclass(frozen=True)
class Choice:
    """The level that serves a target best.

    Attributes:
        target: the target.
        level: in the codec's own unit; where none holds, the one that comes nearest.
        measured: what was measured there.
        met: the target holds there.
    """

    target: Target
    level: Level
    measured: float
    met: bool

    def reached(self, encodings: int) -> Reached:
        """The fields of a record."""
        target = self.target
        return Reached(target.quantity, target.value, self.measured, self.met, encodings)

    def check(self) -> None:
        """Refuse a level that misses.

        Raises:
            UsageError: no level meets the target.
        """
        if not self.met:
            better = "allow more bits" if self.target.is_rate else "ask for less"
            missed = self.reached(encodings=0).miss(self.level)
            raise UsageError(f"{missed}: {better}, or leave out --strict")


def spell(quantity: str, value: float) -> str:
    """A value as messages have it: "0.413 bpp", "20312 bytes", "agreement 0.953"."""
    if quantity == SIZE:
        return f"{value:.0f} bytes"
    return f"{value:.3f} bpp" if quantity == BPP else f"{quantity} {value:.3f}"


def choose(
    pipeline: Pipeline,
    target: Target,
    measure: Callable[[Level], float],
    pixels: int | None = None,
) -> Choice:
    """Find the level that serves a target, measuring few.

    Args:
        pipeline: whose codec's levels they are.
        target: the target.
        measure: what the quantity is at a level.
        pixels: of the picture, to guess with before anything is measured; None is unknown.
    """
    codec = pipeline.codec
    one_file = codec.lossless and pipeline.filter_spec == "none"  # whatever the level
    values = codec.levels[-1:] if one_file else codec.levels
    order = values if target.is_rate else values[::-1]
    levels = [Level(codec.unit, value) for value in order]
    guess = _guess(codec, target, order, pixels)
    count, fewest = len(levels), len(levels).bit_length()
    steps = fewest + _SLACK if target.is_rate else max(_BISECTION_STEPS, fewest)
    found = last_holding(lambda index: measure(levels[index]), target.holds, guess, count, steps)
    return Choice(target, levels[found.index], found.measured, found.holds)


def last_holding(
    measure: Callable[[int], float],
    holds: Callable[[float], bool],
    guess: Guess,
    count: int,
    steps: int,
) -> Found:
    """Find an index that was measured to hold, and the next one to fail or to be the end.

    Where the curve is monotone that is the last one that holds.

    Args:
        measure: what is measured at an index, once at most.
        holds: True for a measured value that will do.
        guess: where to measure next; kept to where `steps` suffice whatever comes.
        count: of the indices, from 0, which is the likeliest to hold.
        steps: the most measurements; at least `count.bit_length()`.

    Returns:
        Index 0 where nothing that was measured holds.
    """
    measured: dict[int, float] = {}
    low, high = -1, count
    while high - low > 1:
        half = 1 << (steps - len(measured) - 1)
        least, most = max(low + 1, high - half), min(high - 1, low + half)
        index = min(max(guess(low, high, measured), least), most)
        measured[index] = measure(index)
        low, high = (index, high) if holds(measured[index]) else (low, index)
    best = max(low, 0)
    return Found(best, measured[best], low >= 0)


def bisection(start: int) -> Guess:
    """Guess `start` at first, and then the middle of what is unknown."""

    def guess(low: int, high: int, measured: Mapping[int, float]) -> int:
        return (low + high) // 2 if measured else start

    return guess


def along(curve: Sequence[float], wanted: float, scale: float) -> Guess:
    """Guess the last index within a rate, along a known curve drawn through what was measured.

    Args:
        curve: logarithms of rates, rising.
        wanted: logarithm of the most that the rate may be.
        scale: what to add to the curve before anything is measured.
    """
    rates = np.array(curve)

    def guess(low: int, high: int, measured: Mapping[int, float]) -> int:
        points = [(curve[index], math.log(measured[index])) for index in sorted(measured)]
        drawn = _through(points, rates) if points else rates + scale
        within = [index for index in range(low + 1, high) if drawn[index] <= wanted]
        return within[-1] if within else low + 1

    return guess


def _through(points: Sequence[tuple[float, float]], x: Array) -> Array:
    """Straight lines through the points, and on beyond the first and the last."""
    (left, below), (right, above) = points[0], points[-1]
    inside = np.interp(x, [place for place, _ in points], [height for _, height in points])
    first, last = _slope(points[:2]), _slope(points[-2:])
    outside = np.where(x < left, below + first * (x - left), above + last * (x - right))
    return np.where((x < left) | (x > right), outside, inside)


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the line through two points; 1 for one point, and for two too near to tell."""
    (left, below), (right, above) = points[0], points[-1]
    if right - left < _NEAR:
        return 1.0
    return min(max((above - below) / (right - left), _FLATTEST), _STEEPEST)


def _guess(codec: Codec, target: Target, order: Sequence[int], pixels: int | None) -> Guess:
    curve = qp_tables.log_rates(codec) if target.is_rate else []
    if len(curve) == len(order) and (target.quantity == BPP or pixels is not None):
        scale = math.log(pixels / 8) if target.quantity == SIZE and pixels is not None else 0.0
        return along(curve, math.log(target.value), scale)
    return bisection(_start(codec, order))


def _start(codec: Codec, order: Sequence[int]) -> int:
    """The place of QP 34 on BPG's scale; the middle for a codec without a table."""
    if not qp_tables.log_rates(codec):
        return len(order) // 2
    return min(range(len(order)), key=lambda i: abs(_bpg_qp(codec, order[i]) - START_QP))


def _bpg_qp(codec: Codec, value: int) -> float:
    return qp_tables.bpg_qp(codec.name, Level(codec.unit, value))
