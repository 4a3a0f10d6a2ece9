"""Results gathered into curves, and one curve chosen by what its setup says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from operator import attrgetter

from neurocodec import files
from neurocodec.errors import UsageError
from neurocodec.evaluation import results
from neurocodec.evaluation.results import Key, PictureResult, Point, Result, Setup, key

_KEYS = tuple(field.name for field in fields(Setup))
_ALIASES = {"filter": "pre"}


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


def read(path: str) -> list[Result]:
    """Read a results file; "-" is standard input.

    Raises:
        BadInputError: it cannot be read, or a line of it is no result.
    """
    return results.load_all(files.read(path), files.display(path))


def gather(lines: Iterable[Result]) -> list[Curve]:
    """Gather results into curves, in the order in which they first occur.

    Where two lines are of the same point or picture, the later one holds.
    """
    points: dict[Setup, dict[Key, Point]] = {}
    pictures: dict[Key, dict[str, PictureResult]] = {}
    for result in lines:
        if isinstance(result, Point):
            points.setdefault(result.setup, {})[key(result)] = result
        else:
            pictures.setdefault(key(result), {})[result.picture] = result
    return [_curve(list(by_level.values()), pictures) for by_level in points.values()]


def _curve(points: list[Point], pictures: Mapping[Key, Mapping[str, PictureResult]]) -> Curve:
    points.sort(key=attrgetter("bpp"))
    by_point = [pictures.get(key(point), {}) for point in points]
    return Curve(points[0].setup, points, by_point if any(by_point) else ())


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
    fitting = [c for c in curves if all(_value(c, key) == wanted[key] for key in wanted)]
    if not fitting:
        keys = [key for key in wanted if wanted[key] not in {_value(c, key) for c in curves}]
        values = _values(curves, keys or list(wanted))
        raise UsageError(f"{option} {choice}: no such curve; the results have {values}")
    if len(fitting) > 1:
        differing = [key for key in _KEYS if len({_value(curve, key) for curve in fitting}) > 1]
        raise UsageError(
            f"{option} {choice or 'KEY=VALUE'}: {len(fitting)} curves fit, "
            f"choose by {_values(fitting, differing)}"
        )
    return fitting[0]


def anchor_and_test(
    results_of_files: Sequence[Sequence[Result]], anchor: str, test: str
) -> tuple[Curve, Curve]:
    """Select the two curves to compare.

    With two files and at most one choice, the first has the anchor and the second the test; else
    both are looked for in all files together.

    Args:
        results_of_files: the results of every file.
        anchor: the choice of the anchor, as for `select`.
        test: the choice of the test.

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
        key = _ALIASES.get(name, name)
        if not equals or key not in _KEYS:
            raise UsageError(
                f"{option}: cannot read {pair!r}: write KEY=VALUE, KEY one of "
                f"{', '.join(map(_name, _KEYS))}"
            )
        wanted[key] = value
    return wanted


def _name(key: str) -> str:
    return next((name for name, field_name in _ALIASES.items() if field_name == key), key)


def _value(curve: Curve, key: str) -> str:
    return str(getattr(curve.setup, key))


def _values(curves: Sequence[Curve], keys: Sequence[str]) -> str:
    values = {key: dict.fromkeys(_value(curve, key) for curve in curves) for key in keys}
    return "; ".join(f"{_name(key)}={' | '.join(values[key])}" for key in keys)
