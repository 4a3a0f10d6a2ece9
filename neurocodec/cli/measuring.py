"""What `evaluate` does: the experiment, the settings still to measure, and the run over them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from neurocodec.batch.engines import local as workers
from neurocodec.cli import console
from neurocodec.evaluation import coding, journal, results
from neurocodec.evaluation.curves import Experiment
from neurocodec.evaluation.results import PictureResult, Point
from neurocodec.pipeline import Pipeline, Setting
from neurocodec.tasks import Task, datasets
from neurocodec.tasks.datasets import DataSet

Keep = Callable[[Point, Sequence[PictureResult]], None]


def data_set(data: str, task: str, limit: int | None) -> DataSet:
    """List the pictures of DATA, and tell how it was read.

    Raises:
        BadInputError: DATA cannot be read.
    """
    read = datasets.read(Path(data), task, limit)
    console.note(f"{read.name}: {len(read.pictures)} pictures, read as {read.layout}")
    return read


def experiment(data: DataSet, task: Task, *, cache: bool, processes: int) -> Experiment:
    """The experiment of a task over a data set."""
    workers.share_cores(processes)
    aligned = task.align(data)
    return Experiment(
        data=aligned.name,
        pictures=aligned.pictures,
        task=task,
        cache=coding.default_cache() if cache else None,
        jobs=processes,
    )


def run(
    measured: Experiment,
    settings: Sequence[Setting],
    output: str | None,
    *,
    per_image: bool,
    resume: bool,
    max_bpp: float | None,
) -> None:
    """Measure every setting that the results file does not hold yet.

    Raises:
        NeurocodecError: the first thing that fails; the points before it are kept.
    """
    with _keeping(output, per_image, resume) as (keep, done):
        wanted = [s for s in settings if (measured.setup(s), s.qp, s.quality) not in done]
        if len(wanted) < len(settings):
            console.note(f"{len(settings) - len(wanted)} points are in {output} already")
        for reason in {Pipeline(setting).unfiltered for setting in wanted} - {""}:
            console.note(reason)
        pictures = len(measured.pictures)
        with console.progress(len(wanted) * pictures, "measuring") as advance:
            for point, lines in measured.measure(wanted, advance):
                if max_bpp is None or point.bpp <= max_bpp:
                    keep(point, lines)
                else:
                    console.note(f"left out: {_describe(point)} is above --max-bpp")


@contextmanager
def _keeping(
    output: str | None, per_image: bool, resume: bool
) -> Iterator[tuple[Keep, set[results.Key]]]:
    if output is None or output == "-":
        yield _printer(per_image), set()
        return
    with journal.opened(Path(output), per_image=per_image, fresh=not resume) as kept:

        def keep(point: Point, pictures: Sequence[PictureResult]) -> None:
            kept.add(point, pictures)
            print(_describe(point), flush=True)

        yield keep, kept.done


def _printer(per_image: bool) -> Keep:
    def keep(point: Point, pictures: Sequence[PictureResult]) -> None:
        for line in results.dump_all(point, pictures if per_image else ()):
            print(line, flush=True)

    return keep


def _describe(point: Point) -> str:
    level = f"qp {point.qp}" if point.qp is not None else f"quality {point.quality}"
    scores = "  ".join(f"{name} {value:.4f}" for name, value in point.scores.items())
    return f"{point.setup.codec}  {point.setup.pre}  {level}  {point.bpp:.4f} bpp  {scores}"
