"""The work of `evaluate`: the grid of operating points, the experiment, and the run over both."""

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from neurocodec.batch import coding
from neurocodec.batch.coding import OperatingPoint
from neurocodec.batch.engines.local import share_cores
from neurocodec.cli import console
from neurocodec.codecs import Level
from neurocodec.errors import UsageError
from neurocodec.evaluation import journal, results
from neurocodec.evaluation.curves import Experiment, measure_all
from neurocodec.evaluation.results import PictureResult, Point
from neurocodec.pipeline import Setting
from neurocodec.tasks import Task
from neurocodec.tasks.datasets import DataSet

ANCHOR_QPS = "28,31,34,37,41"

Keep = Callable[[Point, Sequence[PictureResult]], None]


def levels(**typed: str | None) -> list[Level]:
    """The levels of the option that names a unit; the anchor QPs where none is given.

    Raises:
        UsageError: several are given, or one is no list of whole numbers.
    """
    given = {unit: text for unit, text in typed.items() if text} or {"qp": ANCHOR_QPS}
    if len(given) > 1:
        raise UsageError(f"give one of {' and '.join(f'--{unit}' for unit in given)}")
    ((unit, text),) = given.items()
    return [Level(unit, value) for value in _numbers(text, f"--{unit}")]


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
    settings = [Setting(c, f, chroma, device=device) for c, f in product(codecs, filters)]
    grid = [OperatingPoint(setting, level) for setting, level in product(settings, levels)]
    for point in grid:
        pipeline = point.pipeline
        pipeline.own_level(point.level)
        if pipeline.saturated(point.level):
            raise UsageError(
                f"{pipeline.codec.name} does not reach BPG's rate at {point.level}: "
                "leave that QP out, or give --quality"
            )
        pipeline.identity(point.level)
    return grid


def experiments(
    data: DataSet, tasks: Sequence[Task], *, cache: bool, jobs: int
) -> list[Experiment]:
    """The experiment of each task over a data set."""
    share_cores(jobs)
    folder = coding.default_cache() if cache else None
    aligned = [task.align(data) for task in tasks]
    return [
        Experiment(one.name, one.pictures, task, folder, jobs)
        for one, task in zip(aligned, tasks, strict=True)
    ]


def run(
    measured: Sequence[Experiment],
    grid: Sequence[OperatingPoint],
    output: str | None,
    *,
    per_image: bool,
    resume: bool,
    max_bpp: float | None,
) -> None:
    """Measure every operating point that the results file does not hold yet.

    Raises:
        NeurocodecError: the first thing that fails; the points before it are kept.
    """
    with _keeping(output, per_image, resume) as (keep, done):
        missing = [{one.key(point) for one in measured} - done for point in grid]
        wanted = [point for point, keys in zip(grid, missing, strict=True) if keys]
        measured_before = len(grid) * len(measured) - sum(map(len, missing))
        if measured_before:
            console.note(f"{measured_before} points are in {output} already")
        for reason in {point.pipeline.identity(point.level) for point in wanted} - {""}:
            console.note(reason)
        pictures = len(measured[0].pictures)
        with console.progress(len(wanted) * pictures, "measuring") as advance:
            for point, lines in measure_all(measured, wanted, done=done, advance=advance):
                if max_bpp is None or point.bpp <= max_bpp:
                    date = datetime.now(UTC).isoformat(timespec="seconds")
                    command = shlex.join(["neurocodec", *sys.argv[1:]])
                    keep(replace(point, date=date, command=command), lines)
                else:
                    console.note(f"left out: {_describe(point)} is above --max-bpp")


def _numbers(text: str, option: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise UsageError(f"{option} must be whole numbers, as 28,31,34; not {text!r}") from None


@contextmanager
def _keeping(
    output: str | None, per_image: bool, resume: bool
) -> Iterator[tuple[Keep, set[results.Key]]]:
    """A function that keeps a point, in the file or on standard output; the points kept before."""
    if output is None or output == "-":

        def show(point: Point, pictures: Sequence[PictureResult]) -> None:
            for result in (*(pictures if per_image else ()), point):
                print(results.dump(result), flush=True)

        yield show, set()
        return
    with journal.opened(Path(output), per_image=per_image, fresh=not resume) as kept:

        def add(point: Point, pictures: Sequence[PictureResult]) -> None:
            kept.add(point, pictures)
            print(_describe(point), flush=True)

        yield add, kept.done


def _describe(point: Point) -> str:
    level = f"{point.level.unit} {point.level.value}"
    scores = "  ".join(f"{name} {value:.4f}" for name, value in point.scores.items())
    model = f"{point.setup.model}  " if point.setup.model else ""
    return f"{model}{point.setup.codec}  {point.setup.pre}  {level}  {point.bpp:.4f} bpp  {scores}"
