"""`neurocodec report`."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from neurocodec.cli import comparing, console, options
from neurocodec.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from neurocodec.evaluation.examples import Example
    from neurocodec.evaluation.selection import Curve


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULTS...", type=click.Path())
@click.option("-o", "--output", metavar="DIR", help="Folder to write into; made if need be.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["html", "compressai"]),
    default="html",
    show_default=True,
    help="A page with figures, or CompressAI's JSON, a file a curve.",
)
@click.option("--examples", metavar="DATA", help="Show pictures of this folder; needs --model.")
@click.option("--model", metavar="NAME|FILE", help="The classifier for the examples.")
@click.option("--example-count", type=click.IntRange(min=1), default=3, show_default=True)
@comparing.method
@comparing.bootstrap
@comparing.seed
@options.verbosity
def report(
    results: tuple[str, ...],
    output: str | None,
    kind: str,
    examples: str | None,
    model: str | None,
    example_count: int,
    method: Literal["pchip", "akima"],
    bootstrap: int,
    seed: int,
) -> None:
    """Make a page of curves, BD-rates, transfer and human-side tables, and examples.

    RESULTS are files that evaluate wrote, or - for a pipe.

    \b
    neurocodec report results.jsonl -o report
    neurocodec report results.jsonl --format compressai -o curves
    """
    from neurocodec.evaluation import report as reports
    from neurocodec.evaluation import selection

    curves = selection.gather(result for path in results for result in selection.read(path))
    if not curves:
        raise UsageError("the results hold no point: run neurocodec evaluate")
    if kind == "compressai":
        _write_compressai(curves, output)
        return
    if output is None:
        raise UsageError("name a folder for the page: -o report")
    shown = _examples(curves, examples, model, example_count)
    with console.progress(reports.steps(curves), "comparing") as advance:
        page = reports.write(
            curves,
            Path(output),
            method=method,
            replicates=bootstrap,
            seed=seed,
            examples=shown,
            advance=advance,
        )
    click.echo(str(page))


def _write_compressai(curves: "Sequence[Curve]", output: str | None) -> None:
    from neurocodec import files
    from neurocodec.evaluation.compressai_json import compressai_json, file_names

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
    from neurocodec.evaluation import examples
    from neurocodec.networks import recognisers
    from neurocodec.tasks import datasets

    found = datasets.read(Path(data), "classification", count)
    paths = [picture.path for picture in found.pictures]
    return examples.make(paths, examples.shown(curves), recognisers.load(model))
