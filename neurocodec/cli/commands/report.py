"""`neurocodec report`."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from neurocodec.cli import comparing, console, options
from neurocodec.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from neurocodec.evaluation.bd_rate import Estimation
    from neurocodec.evaluation.selection import Curve
    from neurocodec.report.examples import Example


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULTS...", type=click.Path())
@click.option("-o", "--output", metavar="OUT", help="Output folder; for markdown a file.")
@options.option(
    "--format",
    "kind",
    type=click.Choice(["html", "markdown", "compressai"]),
    default="html",
    help="A page with figures, BD-rate tables, or CompressAI's JSON (one file per curve).",
)
@click.option("--examples", metavar="DATA", help="Show pictures of this folder; needs --model.")
@click.option("--model", metavar="NAME|FILE", help="The classifier for the examples.")
@options.count("--example-count", "Number of example pictures.", default=3)
@comparing.estimation
@options.verbosity
def report(
    results: tuple[str, ...],
    output: str | None,
    kind: Literal["html", "markdown", "compressai"],
    examples: str | None,
    model: str | None,
    example_count: int,
    estimation: "Estimation",
) -> None:
    """Report BD-rates, rate–accuracy curves, points and example pictures.

    RESULTS are files that evaluate wrote, or - for a pipe.

    \b
    neurocodec report results.jsonl -o report
    neurocodec report results.jsonl --format markdown
    neurocodec report results.jsonl --format compressai -o curves
    """
    from neurocodec.evaluation.results import read
    from neurocodec.evaluation.selection import gather

    curves = gather(result for path in results for result in read(path))
    if not curves:
        raise UsageError("the results hold no point: run neurocodec evaluate")
    if kind == "compressai":
        _write_compressai(curves, output)
    elif kind == "markdown":
        _write_markdown(curves, output, estimation)
    elif output is None:
        raise UsageError("name a folder for the page: -o report")
    else:
        from neurocodec.report import page

        shown = _examples(curves, examples, model, example_count)
        with console.progress(page.steps(curves), "comparing") as advance:
            path = page.write(curves, Path(output), estimation, shown, advance)
        click.echo(str(path))


def _write_markdown(
    curves: "Sequence[Curve]", output: str | None, estimation: "Estimation"
) -> None:
    from neurocodec import files
    from neurocodec.report import comparisons, tables

    compared = comparisons.compare(comparisons.pairs(curves), estimation)
    text = tables.markdown(tables.subject_tables(compared))
    if not text:
        raise UsageError("the results have no two curves to compare: add those without a filter")
    if output not in {None, files.STANDARD}:
        files.make_folder(Path(output).parent)
    files.write(output or files.STANDARD, text.encode())


def _write_compressai(curves: "Sequence[Curve]", output: str | None) -> None:
    from neurocodec import files
    from neurocodec.report.points import compressai_json, file_names

    if output is None or output == files.STANDARD:
        if len(curves) > 1:
            raise UsageError(f"the results hold {len(curves)} curves: name a folder, -o curves")
        click.echo(compressai_json(curves[0]), nl=False)
        return
    files.make_folder(Path(output))
    for curve, name in zip(curves, file_names(curves), strict=True):
        path = str(Path(output) / name)
        files.write(path, compressai_json(curve).encode())
        click.echo(path)


def _examples(
    curves: "Sequence[Curve]", data: str | None, model: str | None, count: int
) -> "Iterable[Example]":
    if data is None:
        return ()
    if model is None:
        raise UsageError("--examples needs a classifier: add --model NAME|FILE")
    from neurocodec.networks import recognisers
    from neurocodec.report import examples
    from neurocodec.tasks import datasets

    samples = datasets.read(Path(data), "classification", count)
    classifier = examples.Classifier(recognisers.load(model), samples.class_names)
    paths = [sample.path for sample in samples.pictures]
    return examples.make(paths, examples.shown(curves), classifier)
