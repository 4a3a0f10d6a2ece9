"""`neurocodec weights`."""

import json
from pathlib import Path

import click

from neurocodec import weights as shelf
from neurocodec.cli import console, options
from neurocodec.errors import MissingError, NeurocodecError


@click.group()
def weights() -> None:
    """The trained weights that are installed: what they are, whether they are whole.

    They are in the folder that came with the program, or in $NEUROCODEC_WEIGHTS.
    """


@weights.command("list")
@options.as_json
@options.verbosity
def list_all(as_json: bool) -> None:
    """Say which weights there are; an asterisk marks those that --pre auto stands for."""
    if not shelf.installed():
        console.note(f"no weights are installed in {shelf.folder()}")
    for name, entry in shelf.installed().items():
        codecs = shelf.automatic_for(name)
        record = {"name": name, "auto": codecs, **entry}
        auto = f"  * {', '.join(codecs)}" if codecs else ""
        about = f"{entry.get('network', '')} {entry.get('codec', '')}".strip()
        line = f"{name:24} {about:12} {entry['sha256'][:12]}{auto}"
        click.echo(json.dumps(record) if as_json else line)


@weights.command()
@click.argument("names", nargs=-1)
@options.verbosity
def verify(names: tuple[str, ...]) -> None:
    """Load weights, all of them or those named, and compare their sha256 with the manifest's."""
    from neurocodec.networks import release

    automatic = {pre.rpartition(":weights=")[2] for pre in shelf.automatic().values()}
    failed = []
    for name in names or sorted({*shelf.installed(), *automatic}):
        try:
            release.check(name)
        except NeurocodecError as exc:
            console.error(str(exc))
            failed.append(name)
        else:
            click.echo(f"{name:24} ok")
    if failed:
        raise MissingError(f"not as they should be: {', '.join(failed)}")


@weights.command()
@click.argument("name")
@options.as_json
@options.verbosity
def show(name: str, as_json: bool) -> None:
    """Print a weight's card: what it is, the command that made it, and what was measured."""
    from neurocodec.networks import release

    entry = shelf.entry(name)
    text = release.card(name, entry).rstrip()
    click.echo(json.dumps({"name": name, **entry}) if as_json else text)


@weights.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("name")
@click.option(
    "--auto",
    multiple=True,
    type=click.Choice(["bpg", "jpeg", "jpeg2000", "vvc"]),
    help="Make it what --pre auto stands for with that codec.",
)
@click.option("--commit", default="", help="Of the program that trained it.")
@click.option("--note", default="", help="What else the card should say.")
@click.option(
    "--measured",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Lines that bdrate --json printed.",
)
@click.option("--half", is_flag=True, help="Store 16-bit floats.")
@options.verbosity
def add(
    file: Path,
    name: str,
    auto: tuple[str, ...],
    commit: str,
    note: str,
    measured: Path | None,
    half: bool,
) -> None:
    """Install a weights FILE that a training made as NAME, in place of one of that name.

    \b
    neurocodec weights add runs/npp/npp.safetensors npp-bpg --auto bpg --measured runs/bd.jsonl
    """
    from neurocodec.networks import release

    lines = release.measurements(measured) if measured else []
    click.echo(release.add(file, release.Release(name, auto, commit, note, lines, half)))
