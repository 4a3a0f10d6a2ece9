"""`neurocodec classify`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from neurocodec.cli import console, options
from neurocodec.cli.inputs import files_from, listed, note_ignored, null_separated, recursive
from neurocodec.errors import NeurocodecError, UsageError
from neurocodec.files import display

if TYPE_CHECKING:
    from neurocodec.batch.classifying import Classified


@click.command()
@click.argument("inputs", nargs=-1, metavar="INPUT...", type=click.Path())
@recursive
@files_from
@null_separated
@options.option(
    "--model",
    default="efficientnet_lite0",
    metavar="NAME|FILE",
    help="Recogniser of pictures, and of coded files other than .spic.",
)
@options.count("--top", "Classes a file, the likeliest first.", default=1)
@click.option("--weights", metavar="NAME|FILE", help="Weights of a learned codec's files.")
@options.as_json
@options.device
@options.verbosity
def classify(
    inputs: tuple[str, ...],
    recursive: bool,
    files_from: str | None,
    null_separated: bool,
    model: str,
    top: int,
    weights: str | None,
    as_json: bool,
    device: str,
) -> None:
    """Name the classes of files: of .spic from their latents, of others from their pixels.

    INPUT is a coded file, a picture, a folder of them, or - for standard input.

    \b
    neurocodec classify photo.spic                   photo.spic  281 tabby 0.62
    neurocodec classify frames -r --top 5 --json     a JSON object a file
    """
    from neurocodec.batch.classifying import Classifier

    sources = _sources(inputs, recursive, files_from, null_separated)
    classifier, failures = Classifier(model, top, weights, device), []
    with console.progress(len(sources), "classifying") as advance:
        for source in sources:
            try:
                _show(classifier(source), as_json)
            except NeurocodecError as exc:
                failures.append(exc)
            advance()
    for message in dict.fromkeys(map(str, failures)):  # the recogniser's is the same for all
        console.error(message)
    if failures:
        raise click.exceptions.Exit(failures[0].exit_code)


def _sources(
    inputs: tuple[str, ...], recursive: bool, files_from: str | None, null_separated: bool
) -> list[str]:
    """The files that the command line names.

    Raises:
        UsageError: it names nothing.
    """
    from neurocodec import codecs, images
    from neurocodec.batch import plan

    def accepts(path: Path) -> bool:
        return images.has_picture_name(path) or codecs.is_coded(path)

    names = listed(files_from, null_separated=null_separated)
    if not inputs and files_from is None:
        raise UsageError("INPUT is missing: name a file, a folder, - or --files-from LIST")
    sources = plan.find(inputs, listed=names, accepts=accepts, recursive=recursive)
    note_ignored(sources, deeper=recursive or files_from is not None)
    return [source.path for source in sources.sources]


def _show(classified: "Classified", as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(classified)))
        return
    classes = (
        " ".join(filter(None, (str(one.index), one.name, f"{one.probability:.2f}")))
        for one in classified.classes
    )
    click.echo(f"{display(classified.file)}  {', '.join(classes)}")
