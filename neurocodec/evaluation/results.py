"""Results as JSON Lines: one object a point of a curve and, on demand, one a picture."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from neurocodec.errors import BadInputError


@dataclass(frozen=True)
class Setup:
    """All that a curve's points share: two points are of one curve if these are equal.

    Attributes:
        data: the name of the data folder.
        pictures: how many pictures it is over.
        pictures_sha256: of the pictures' content hashes, so that only equal sets are compared.
        task: a key of tasks.TASKS.
        model: the recogniser's name.
        model_sha256: of its weights.
        codec: "name:key=value".
        encoder: program and version that encoded.
        chroma: "420", "444" …
        pre: the filter, "name:key=value".
        weights_sha256: of the filter's weights, or of its schedule; "" without.
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


@dataclass(frozen=True)
class Point:
    """One point of a rate–accuracy curve.

    Attributes:
        setup: what the curve is of.
        qp: as asked for, or None.
        quality: the codec's own quality, or None.
        bpp: total bits over total pixels of the originals.
        scores: by metric; higher is better (kl is minus the mean divergence in nats).
    """

    setup: Setup
    qp: int | None
    quality: int | None
    bpp: float
    scores: Mapping[str, float]


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


def key(result: Result) -> Key:
    """What makes a point the same point: its curve and its level."""
    return result.setup, result.qp, result.quality


def dump(result: Result) -> str:
    """The result as one line of JSON; its setup's fields stand beside its own."""
    kind = "point" if isinstance(result, Point) else "picture"
    fields = asdict(result)
    return json.dumps({"kind": kind, **fields.pop("setup"), **fields})


def dump_all(point: Point, pictures: Sequence[PictureResult]) -> list[str]:
    """The lines of a point: its pictures' first, so that the point's own says all are there."""
    return [*map(dump, pictures), dump(point)]


def load(lines: Iterable[str], name: str) -> Iterator[Result]:
    """The results on `lines`, in order; empty lines are skipped.

    Raises:
        BadInputError: a line is no result; the message names it by `name` and number.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _parse(json.loads(line))
            except (ValueError, TypeError, KeyError) as exc:
                raise BadInputError(f"{name}:{number}: not a result line ({exc})") from exc


def _parse(fields: dict[str, Any]) -> Result:
    kind = {"point": Point, "picture": PictureResult}[fields.pop("kind")]
    setup = Setup(**{key: fields.pop(key) for key in Setup.__dataclass_fields__})
    result: Result = kind(setup=setup, **fields)
    return result
