"""Results gathered into curves, and one curve chosen by what its setup says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from operator import attrgetter

from neurocodec.errors import UsageError
from neurocodec.evaluation.results import Key, PictureResult, Point, Result, Setup

UNFILTERED = "none"

_FIELDS = {{"pre": "filter"}.get(field.name, field.name): field.name for field in fields(Setup)}
"""The setup's fields by the names that choices and messages have for them."""


@dataclass(frozen=True, eq=False)
class Curve:
    """The points of one setup and, where the results have them, their pictures.

    Attributes:
        setup: the fields that the points share.
        points: sorted by bpp.
        pictures: each point's pictures by name, in the order of the points; empty without any.
    """

    setup: Setup
    points: Sequence[Point]
    pictures: Sequence[Mapping[str, PictureResult]]

    @property
    def label(self) -> str:
        """Codec and filter, as a filter writes them."""
        return f"codec={self.setup.codec},pre={self.setup.pre}"


def gather(lines: Iterable[Result]) -> list[Curve]:
    """Gather results into curves, in the order in which they first occur.

    Where two lines are of the same point or picture, the later one holds.
    """
    points: dict[Setup, dict[Key, Point]] = {}
    pictures: dict[Key, dict[str, PictureResult]] = {}
    for result in lines:
        if isinstance(result, Point):
            points.setdefault(result.setup, {})[result.key] = result
        elif isinstance(result, PictureResult):
            pictures.setdefault(result.key, {})[result.picture] = result
    curves = []
    for by_level in points.values():
        ordered = sorted(by_level.values(), key=attrgetter("bpp"))
        by_point = [pictures.get(point.key, {}) for point in ordered]
        curves.append(Curve(ordered[0].setup, ordered, by_point if any(by_point) else ()))
    return curves


def select(curves: Sequence[Curve], choice: str, option: str) -> Curve:
    """Select the curve that a choice like "codec=bpg,filter=blur:sigma=0.5" fits.

    Args:
        curves: the candidates.
        choice: fields of the setup; "" if there is but one curve.
        option: name of the choice in messages: "--anchor".

    Raises:
        UsageError: `choice` cannot be read, or it fits no curve or several; the message lists the
            possible values.
    """
    wanted = _parse(choice, option)
    if not curves:
        raise UsageError(f"{option}: the results hold no point: run neurocodec evaluate")
    fitting = [c for c in curves if all(_value(c, name) == wanted[name] for name in wanted)]
    if not fitting:
        absent = [n for n in wanted if wanted[n] not in {_value(c, n) for c in curves}]
        values = _values(curves, absent or wanted)
        raise UsageError(f"{option} {choice}: no such curve; the results have {values}")
    if len(fitting) > 1:
        differing = [n for n in _FIELDS if len({_value(curve, n) for curve in fitting}) > 1]
        raise UsageError(
            f"{option} {choice or 'KEY=VALUE'}: {len(fitting)} curves fit, "
            f"choose by {_values(fitting, differing)}"
        )
    return fitting[0]


def anchor_and_test(
    results_of_files: Sequence[Sequence[Result]], anchor: str, test: str
) -> tuple[Curve, Curve]:
    """Select the two curves to compare, by choices as for `select`.

    With two files and at most one choice, the first has the anchor and the second the test; else
    both are looked for in all files together.

    Raises:
        UsageError: a choice fits no curve or several.
    """
    if len(results_of_files) == 2 and not (anchor and test):
        first, second = map(gather, results_of_files)
    else:
        first = second = gather(chain.from_iterable(results_of_files))
        if len(first) == 1 and not (anchor or test):
            raise UsageError("the results hold one curve: name the other's file too")
    return select(first, anchor, "--anchor"), select(second, test, "--test")


def _parse(choice: str, option: str) -> dict[str, str]:
    wanted = {}
    for pair in filter(None, choice.split(",")):
        name, equals, value = pair.strip().partition("=")
        name = "filter" if name == "pre" else name
        if not equals or name not in _FIELDS:
            raise UsageError(
                f"{option}: cannot read {pair!r}: write KEY=VALUE, KEY one of {', '.join(_FIELDS)}"
            )
        wanted[name] = value
    return wanted


def _value(curve: Curve, name: str) -> str:
    return str(getattr(curve.setup, _FIELDS[name]))


def _values(curves: Sequence[Curve], names: Iterable[str]) -> str:
    values = {name: dict.fromkeys(_value(curve, name) for curve in curves) for name in names}
    return "; ".join(f"{name}={' | '.join(values[name])}" for name in names)
