"""Results as JSON Lines: one object a point of a curve and, on demand, one a picture."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from neurocodec import files
from neurocodec.codecs import Level
from neurocodec.errors import BadInputError
from neurocodec.logs import LOG
from neurocodec.tasks import PictureScore


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
        pre = "schedule" if self.pre.startswith("schedule:") else self.pre
        return tuple((vars(self) | {"pre": pre}).values())


Key = tuple[Setup, Level]


@dataclass(frozen=True)
class Result:
    """A measurement at one level of one curve: of all pictures or of one."""

    setup: Setup
    level: Level

    @property
    def key(self) -> Key:
        """The identity of a point: its curve and its level."""
        return self.setup, self.level

    @property
    def qp(self) -> int | None:
        """The QP, if that is the level's unit."""
        return self.level.record().get("qp")


@dataclass(frozen=True)
class Point(Result):
    """One point of a rate–accuracy curve.

    Attributes:
        setup: the fields that its curve's points share.
        level: as typed.
        bpp: total bits over total pixels of the originals.
        scores: by metric; higher is better (kl is minus the mean divergence in nats).
        date: time of the measurement in ISO 8601; "" if unknown.
        command: command line of the measurement; "" if unknown.
    """

    bpp: float
    scores: Mapping[str, float]
    date: str = ""
    command: str = ""


@dataclass(frozen=True)
class PictureResult(Result):
    """One picture of one point: its bits, its scores, and the evidence for a set's scores."""

    picture: str
    width: int
    height: int
    size_bytes: int
    bpp: float
    scores: Mapping[str, float]
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def score(self) -> PictureScore:
        """Scores and evidence, as a task makes them."""
        return PictureScore(self.scores, self.evidence)


_KINDS: dict[str, type[Point | PictureResult]] = {"point": Point, "picture": PictureResult}
_UNITS = ("qp", "quality")  # that a line has beside its level, as before 0.2.0
_OPTIONAL = {"date", "command", "evidence"}
_POSITIVE = ("bpp", "pictures", "width", "height", "size_bytes")


def dump(result: Result) -> str:
    """The result as one line of JSON; its setup's fields stand beside its own."""
    kind = "point" if isinstance(result, Point) else "picture"
    record = asdict(result)
    setup, level = record.pop("setup"), result.level.record()
    record["level"] = level
    return json.dumps({"kind": kind, **setup, **{u: level.get(u) for u in _UNITS}, **record})


def load(lines: Iterable[str], name: str) -> Iterator[Result]:
    """Parse result lines in order; empty lines are skipped.

    Raises:
        BadInputError: a line is no result; the message has its number and `name`.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _parse(files.parsed(line))
            except (ValueError, TypeError, RecursionError) as exc:
                raise BadInputError(f"{name}:{number}: not a result line ({exc})") from exc


def read(path: str) -> list[Result]:
    """Read a results file; a last line that a killed run left incomplete is dropped with a note.

    Args:
        path: the file; "-" is standard input.

    Raises:
        BadInputError: it cannot be read, or any other line is no result.
    """
    name = files.display(path)
    try:
        lines = files.read(path).decode().split("\n")
    except UnicodeDecodeError:
        raise BadInputError(f"{name}: not a file of results") from None
    if lines[-1] and (lines[:-1] or lines[-1].startswith("{")):
        try:
            files.parsed(lines[-1])
        except ValueError:
            LOG.warning("%s:%d: the last line is incomplete: ignored", name, len(lines))
            lines.pop()
    return list(load(lines, name))


def _parse(record: Any) -> Result:
    if not isinstance(record, dict) or str(record.get("kind")) not in _KINDS:
        raise ValueError("its kind is neither point nor picture")
    kind = _KINDS[record["kind"]]
    rest = _fields(record, kind)
    return kind(Setup(**_fields(record, Setup)), _level(record), **rest)


def _level(record: Mapping[str, Any]) -> Level:
    """The level, in results before 0.2.0 a QP or a quality beside the other fields."""
    beside = {unit: record[unit] for unit in _UNITS if record.get(unit) is not None}
    written = record.get("level", beside)
    if not isinstance(written, dict) or len(written) != 1:
        raise ValueError("it has no level")
    ((unit, value),) = written.items()
    if type(value) is not int:
        raise ValueError(f"{unit}: {json.dumps(value)[:60]}")
    return Level(unit, value)


def _fields(record: Mapping[str, Any], of: type) -> dict[str, Any]:
    return {
        f.name: _checked(record, f.name, f.type)
        for f in fields(of)
        if f.name not in {"setup", "level"} and (f.name in record or f.name not in _OPTIONAL)
    }


def _checked(record: Mapping[str, Any], name: str, annotation: Any) -> Any:
    """The value of a field; raises ValueError unless it is of the field's type and possible."""
    value: Any = record.get(name)
    if not _TYPES[annotation](value) or (name in _POSITIVE and not 0 < value < math.inf):
        shown = json.dumps(value) if name in record else "missing"
        raise ValueError(f"{name}: {shown[:60]}")
    return value


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and not math.isnan(value)


_TYPES: dict[Any, Callable[[Any], bool]] = {
    str: lambda value: isinstance(value, str),
    int: lambda value: type(value) is int,
    float: _is_number,
    Mapping[str, float]: lambda v: isinstance(v, dict) and all(map(_is_number, v.values())),
    Mapping[str, Any]: lambda value: isinstance(value, dict),
}
