"""What two curves must have in common to be compared, and how a comparison describes itself."""

from dataclasses import dataclass

from neurocodec.errors import NotComparableError, UsageError
from neurocodec.evaluation import bootstrap
from neurocodec.evaluation.selection import Curve
from neurocodec.tasks import primary_metric

_SAME = {
    "task": "tasks",
    "model": "recognisers",
    "model_sha256": "weights of the recogniser",
    "pictures": "numbers of pictures",
    "pictures_sha256": "pictures",
    "codec": "codecs",
    "encoder": "encoders",
    "chroma": "chroma subsamplings",
}
_CODING = ("codec", "encoder", "chroma")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The subject of a comparison of two curves.

    Attributes:
        metric: the score; higher is better.
        pictures: number of pictures, the same in both curves.
        replicates: bootstrap replicates.
        data: name of the pictures' folder.
        model: the recogniser, "none" where there is none.
        anchor: codec and filter of the anchor.
        test: codec and filter of the test.
        differs: differences beside the filter: "codec", "encoder", "chroma".
        note: the reason why there is no interval, and what to do; "" where there is one.
    """

    metric: str
    pictures: int
    replicates: int
    data: str
    model: str
    anchor: str
    test: str
    differs: tuple[str, ...]
    note: str


def checked(
    anchor: Curve, test: Curve, metric: str | None, replicates: int, *, across_codecs: bool
) -> Comparison:
    """Check that two curves can be compared, and describe what is.

    Raises:
        NotComparableError: they differ in their subject, or without `across_codecs` in the encoder.
    """
    note = _why_no_interval(anchor, test, replicates)
    return Comparison(
        metric=metric or _primary(anchor),
        pictures=anchor.setup.pictures,
        replicates=0 if note else replicates,
        data=anchor.setup.data,
        model=anchor.setup.model,
        anchor=anchor.label,
        test=test.label,
        differs=_differences(anchor, test, across_codecs),
        note=note,
    )


def _differences(anchor: Curve, test: Curve, across_codecs: bool) -> tuple[str, ...]:
    """Differing fields of the encoding; raises for every other difference but the filter."""
    values = {key: [getattr(curve.setup, key) for curve in (anchor, test)] for key in _SAME}
    differing = [key for key, (one, other) in values.items() if one != other]
    for key in differing:
        if key not in _CODING or not across_codecs:
            one, other = values[key]
            hint = "; add --across-codecs to compare them anyway" if key in _CODING else ""
            raise NotComparableError(
                f"the curves are of different {_SAME[key]}: {one} and {other}{hint}"
            )
    return tuple(differing)


def _primary(curve: Curve) -> str:
    """The main score of the curve's task."""
    measured = curve.points[0].scores
    primary = primary_metric(curve.setup.task, measured)
    return next(iter(measured), "") if primary is None else primary.name


def measured(curve: Curve, metric: str) -> tuple[list[float], list[float]]:
    """The rates and scores of the points; raises UsageError for a metric that they lack."""
    for point in curve.points:
        if metric not in point.scores:
            known = ", ".join(sorted(point.scores))
            raise UsageError(f"{curve.label} has no {metric}: its scores are {known}")
    return [point.bpp for point in curve.points], [point.scores[metric] for point in curve.points]


def _why_no_interval(anchor: Curve, test: Curve, replicates: int) -> str:
    """The reason why two curves have no interval, and what to do; "" where they have one."""
    if replicates == 0:
        return "the bootstrap is off"
    listed = bootstrap.names(anchor), bootstrap.names(test)
    if None in listed:
        return "not every picture has its line in the results: evaluate with --per-image"
    return "" if listed[0] == listed[1] else "the pictures have different names in the two curves"
