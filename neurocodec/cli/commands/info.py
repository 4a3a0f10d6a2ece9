"""`neurocodec info`."""

import json
from typing import Any

import click

from neurocodec.cli import console, options
from neurocodec.errors import NeurocodecError, UsageError


@click.command()
@click.argument("names", nargs=-1, metavar="FILE...", type=click.Path())
@options.as_json
@options.verbosity
def info(names: tuple[str, ...], as_json: bool) -> None:
    """Show the headers of coded files; - is standard input.

    "slice_qp" is the QP inside the stream: x265 and vvenc code a still picture 3 below the QP
    that was given to them.

    \b
    neurocodec info photo.bpg
    """
    if not names:
        raise UsageError("FILE is missing: name a coded file, or - for standard input")
    failures = []
    for place, name in enumerate(names):
        try:
            header = _header(name)
        except NeurocodecError as exc:
            console.error(str(exc))
            failures.append(exc)
            continue
        click.echo(json.dumps(header) if as_json else ("\n" if place else "") + _table(header))
    if failures:
        raise click.exceptions.Exit(failures[0].exit_code)


def _header(name: str) -> dict[str, Any]:
    from neurocodec import codecs, files
    from neurocodec.measures.rate import bpp

    data = files.read(name)
    shown = files.display(name)
    codec = codecs.recognise(data, shown)
    with files.naming(shown):
        fields = codec.inspect(data)
    rate = bpp(len(data), fields["width"], fields["height"])
    return {"file": name, "codec": codec.name, "size_bytes": len(data), "bpp": rate, **fields}


def _table(header: dict[str, Any]) -> str:
    width = max(map(len, header))
    return "\n".join(f"{key:{width}}  {value}" for key, value in header.items())
