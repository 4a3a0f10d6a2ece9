"""`neurocodec weights`."""

import json
from collections.abc import Callable
from pathlib import Path

import click

from neurocodec import weights as shelf
from neurocodec.cli import console, options
from neurocodec.errors import MissingError, NeurocodecError


@click.group()
def weights() -> None:
    """List, show, verify and add trained weights.

    They are in the folder that came with the program, or in $NEUROCODEC_WEIGHTS.
    """


@weights.command("list")
@options.as_json
@options.verbosity
def list_all(as_json: bool) -> None:
    """List the installed weights.

    An asterisk marks those that --filter auto uses, and the codecs that it uses them for.
    """
    if not shelf.installed():
        console.note(f"no weights are installed in {shelf.folder()}")
    for name, entry in shelf.installed().items():
        codecs = shelf.automatic_for(name)
        record = {"name": name, "auto": codecs, **entry}
        auto = f"  * {', '.join(codecs)}" if codecs else ""
        trained_for = f"{entry.get('network', '')} {entry.get('codec', '')}".strip()
        line = f"{name:24} {trained_for:12} {entry['sha256'][:12]}{auto}"
        click.echo(json.dumps(record) if as_json else line)


@weights.command()
@click.argument("names", nargs=-1)
@options.verbosity
def verify(names: tuple[str, ...]) -> None:
    """Check that weights files are complete and unaltered, and that they load.

    Without NAMES all installed weights are checked, and the filters that --filter auto stands for.
    """
    checks: dict[str, Callable[[str], str]] = dict.fromkeys(
        names or sorted(shelf.installed()), _check_weights
    )
    if not names:
        checks |= {f"auto for {codec}": _check_automatic for codec in sorted(shelf.automatic())}
    failed = [subject for subject, check in checks.items() if not _passes(subject, check)]
    if failed:
        raise MissingError(f"verification failed: {', '.join(failed)}")


def _passes(subject: str, check: Callable[[str], str]) -> bool:
    try:
        click.echo(f"{subject:24} {check(subject)}")
    except NeurocodecError as exc:
        console.error(str(exc))
        return False
    return True


def _check_weights(name: str) -> str:
    from neurocodec.networks import checkpoint

    shelf.entry(name)
    data = shelf.read(name)
    try:
        checkpoint.load(data, name)
    except MissingError as exc:
        return f"intact, not loaded: {exc}"
    return "ok"


def _check_automatic(subject: str) -> str:
    from neurocodec import filters

    codec = subject.removeprefix("auto for ")
    spec = shelf.automatic()[codec]
    try:
        filters.create(spec)
    except NeurocodecError as exc:
        raise MissingError(f"{subject}: {exc}") from exc
    return f"ok ({spec})"


@weights.command()
@click.argument("name")
@options.as_json
@options.verbosity
def show(name: str, as_json: bool) -> None:
    """Print a card: the network, the command that trained it, and its measured results."""
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
    type=click.Choice(["bpg", "jpeg", "jpeg2000", "vvc", "webp", "avif", "jxl", "heic"]),
    help="Make it the filter that --filter auto uses for this codec; repeatable.",
)
@click.option("--commit", default="", help="Commit of the program that trained it, for the card.")
@click.option("--note", default="", help="A paragraph for the card.")
@click.option(
    "--measured",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Results for the card: the output of bdrate --json.",
)
@click.option("--half", is_flag=True, help="Store the weights as 16-bit floats.")
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
    """Install the trained weights in FILE as NAME, replacing weights of that name.

    \b
    neurocodec weights add runs/npp/npp.safetensors npp-bpg --auto bpg --measured runs/bd.jsonl
    """
    from neurocodec.networks import release

    lines = release.measurements(measured) if measured else []
    click.echo(
        release.add(file, name, {"commit": commit, "note": note, "measured": lines}, auto, half)
    )
