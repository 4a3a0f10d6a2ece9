"""Results gathered into curves, and one curve chosen by what its setup says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

from neurocodec import files
from neurocodec.errors import UsageError
from neurocodec.evaluation import results
from neurocodec.evaluation.results import PictureResult, Point, Result, Setup

Level = tuple[int | None, int | None]

_KEYS = tuple(field.name for field in fields(Setup))


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


def gather(found: Iterable[Result]) -> list[Curve]:
    """The curves in `found`, in the order in which they first occur.

    Where two lines say the same point or picture, the later one holds.
    """
    points: dict[Setup, dict[Level, Point]] = {}
    pictures: dict[tuple[Setup, Level], dict[str, PictureResult]] = {}
    for result in found:
        level = (result.qp, result.quality)
        if isinstance(result, Point):
            points.setdefault(result.setup, {})[level] = result
        else:
            pictures.setdefault((result.setup, level), {})[result.picture] = result
    return [_curve(setup, list(by_level.values()), pictures) for setup, by_level in points.items()]


def _curve(
    setup: Setup,
    points: list[Point],
    pictures: Mapping[tuple[Setup, Level], Mapping[str, PictureResult]],
) -> Curve:
    points.sort(key=attrgetter("bpp"))
    kept = [pictures.get((setup, (point.qp, point.quality)), {}) for point in points]
    return Curve(setup, points, kept if any(kept) else ())


def select(curves: Sequence[Curve], chosen: str, option: str) -> Curve:
    """The one curve whose setup says what `chosen` does.

    Args:
        curves: to choose from.
        chosen: "codec=bpg,pre=blur:sigma=0.5"; "" where there is but one curve.
        option: what messages call the choice: "--anchor".

    Raises:
        UsageError: `chosen` cannot be read, or it fits no curve or several; the message says
            which values there are.
    """
    wanted = _parse(chosen, option)
    fitting = [c for c in curves if all(_said(c, key) == wanted[key] for key in wanted)]
    if len(fitting) == 1:
        return fitting[0]
    if not curves:
        raise UsageError(f"{option}: the results hold no point: run neurocodec evaluate")
    if not fitting:
        keys = [key for key in wanted if wanted[key] not in {_said(c, key) for c in curves}]
        there = _values(curves, keys or list(wanted))
        raise UsageError(f"{option} {chosen}: no such curve; the results have {there}")
    differing = [key for key in _KEYS if len({_said(curve, key) for curve in fitting}) > 1]
    raise UsageError(
        f"{option} {chosen or 'KEY=VALUE'}: {len(fitting)} curves fit, "
        f"say which by {_values(fitting, differing)}"
    )


def anchor_and_test(
    found: Sequence[Sequence[Result]], anchor: str, test: str
) -> tuple[Curve, Curve]:
    """The two curves to compare.

    Where two files are given and not both choices, the first has the anchor and the second the
    test; else both are looked for in all files together.

    Args:
        found: the results of every file.
        anchor: which curve is the anchor, as for `select`; "" where there is but one.
        test: likewise.

    Raises:
        UsageError: a choice fits no curve or several.
    """
    if len(found) == 2 and not (anchor and test):
        first, second = (gather(part) for part in found)
    else:
        first = second = gather(result for part in found for result in part)
        if len(first) == 1 and not (anchor or test):
            raise UsageError("the results hold one curve: name the other's file too")
    return select(first, anchor, "--anchor"), select(second, test, "--test")


def _parse(chosen: str, option: str) -> dict[str, str]:
    wanted = {}
    for pair in filter(None, chosen.split(",")):
        key, equals, value = pair.strip().partition("=")
        if not equals or key not in _KEYS:
            raise UsageError(
                f"{option}: cannot read {pair!r}: write KEY=VALUE, KEY one of {', '.join(_KEYS)}"
            )
        wanted[key] = value
    return wanted


def _said(curve: Curve, key: str) -> str:
    return str(getattr(curve.setup, key))


def _values(curves: Sequence[Curve], keys: Sequence[str]) -> str:
    said = {key: dict.fromkeys(_said(curve, key) for curve in curves) for key in keys}
    return "; ".join(f"{key}={' | '.join(values)}" for key, values in said.items())
