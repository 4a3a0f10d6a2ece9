"""Results as JSON Lines: one object a point of a curve and, on demand, one a picture."""

import json
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from neurocodec.codecs import Level
from neurocodec.errors import BadInputError

LOG = logging.getLogger("neurocodec")


@dataclass(frozen=True, eq=False)
class Setup:
    """The fields that all points of a curve share: two points are of one curve if these are equal.

    The filter of a schedule is told by the filters in force, not by the name of its file.

    Attributes:
        data: the name of the data folder.
        pictures: number of pictures.
        pictures_sha256: hash of the pictures' content hashes; only equal sets are compared.
        task: a key of tasks.TASKS.
        model: the recogniser's name.
        model_sha256: hash of its weights.
        codec: "name:key=value".
        encoder: program and version that encoded.
        chroma: "420", "444" …
        pre: the filter, "name:key=value".
        weights_sha256: hash of the filter's weights, or of a schedule's filters; "" without.
        neurocodec: version.
    """

    data: str
    pictures: int
    pictures_sha256: str
    task: str
    model: str
    model_sha256: str
    codec: str
    encoder: str
    chroma: str
    pre: str
    weights_sha256: str
    neurocodec: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Setup) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[object, ...]:
        named = vars(self) | {"pre": "schedule"} if self.pre.startswith("schedule:") else vars(self)
        return tuple(named.values())


@dataclass(frozen=True)
class Point:
    """One point of a rate–accuracy curve.

    Attributes:
        setup: the fields that its curve's points share.
        qp: as typed, or None.
        quality: the codec's own quality, or None.
        bpp: total bits over total pixels of the originals.
        scores: by metric; higher is better (kl is minus the mean divergence in nats).
        date: time of the measurement in ISO 8601; "" if unknown.
        command: command line of the measurement; "" if unknown.
    """

    setup: Setup
    qp: int | None
    quality: int | None
    bpp: float
    scores: Mapping[str, float]
    date: str = ""
    command: str = ""


@dataclass(frozen=True)
class PictureResult:
    """One picture of one point: its bits, its scores, and the evidence for a set's scores."""

    setup: Setup
    qp: int | None
    quality: int | None
    picture: str
    width: int
    height: int
    size_bytes: int
    bpp: float
    scores: Mapping[str, float]
    evidence: Mapping[str, Any] = field(default_factory=dict)


Result = Point | PictureResult
Key = tuple[Setup, int | None, int | None]

_KINDS: dict[str, type[Result]] = {"point": Point, "picture": PictureResult}
_OPTIONAL = {"date", "command", "evidence"}
_LEVELS = ("qp", "quality")
_POSITIVE = ("bpp", "pictures", "width", "height", "size_bytes")


def key(result: Result) -> Key:
    """The identity of a point: its curve and its level."""
    return result.setup, result.qp, result.quality


def level(result: Result) -> Level:
    """The level that the result was measured at."""
    if result.qp is not None:
        return Level("qp", result.qp)
    return Level("quality", result.quality or 0)


def dump(result: Result) -> str:
    """The result as one line of JSON; its setup's fields stand beside its own."""
    kind = "point" if isinstance(result, Point) else "picture"
    record = asdict(result)
    setup = record.pop("setup")
    return json.dumps({"kind": kind, **setup, "level": level(result).record(), **record})


def dump_all(point: Point, pictures: Sequence[PictureResult]) -> list[str]:
    """The lines of a point: its pictures' first, so that the point's line completes them."""
    return [*map(dump, pictures), dump(point)]


def load(lines: Iterable[str], name: str) -> Iterator[Result]:
    """Parse result lines in order; empty lines are skipped.

    Raises:
        BadInputError: a line is no result; the message has its number and `name`.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _parse(json.loads(line))
            except (ValueError, TypeError, RecursionError) as exc:
                raise BadInputError(f"{name}:{number}: not a result line ({exc})") from exc


def load_all(content: bytes, name: str) -> list[Result]:
    """Parse a results file; a last line that a killed run left incomplete is dropped with a note.

    Raises:
        BadInputError: any other line is no result.
    """
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError:
        raise BadInputError(f"{name}: not a file of results") from None
    if lines[-1] and lines[:-1]:
        try:
            json.loads(lines[-1])
        except ValueError:
            LOG.warning("%s:%d: the last line is incomplete: ignored", name, len(lines))
            lines.pop()
    return list(load(lines, name))


def _parse(record: Any) -> Result:
    if not isinstance(record, dict) or str(record.get("kind")) not in _KINDS:
        raise ValueError("its kind is neither point nor picture")
    kind = _KINDS[record["kind"]]
    setup = Setup(**{f.name: _checked(record, f.name, f.type) for f in fields(Setup)})
    rest = {
        f.name: _checked(record, f.name, f.type)
        for f in fields(kind)
        if f.name != "setup" and (f.name in record or f.name not in _OPTIONAL)
    }
    if all(rest[unit] is None for unit in _LEVELS):
        raise ValueError("it has no level")
    return kind(setup=setup, **rest)


def _checked(record: Mapping[str, Any], name: str, annotation: Any) -> Any:
    """The value of a field, if it is of the field's type and possible.

    Raises:
        ValueError: it is neither.
    """
    value: Any = record.get(name)
    if not _TYPES[annotation](value) or (name in _POSITIVE and not 0 < value < math.inf):
        shown = json.dumps(value) if name in record else "missing"
        raise ValueError(f"{name}: {shown[:60]}")
    return value


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_integer(value) or (isinstance(value, float) and not math.isnan(value))


_TYPES: dict[Any, Callable[[Any], bool]] = {
    str: lambda value: isinstance(value, str),
    int: _is_integer,
    float: _is_number,
    int | None: lambda value: value is None or _is_integer(value),
    Mapping[str, float]: lambda v: isinstance(v, dict) and all(map(_is_number, v.values())),
    Mapping[str, Any]: lambda value: isinstance(value, dict),
}
