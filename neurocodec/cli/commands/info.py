"""`neurocodec info`."""

import json

import click

from neurocodec.cli import options


@click.command()
@click.argument("file", type=click.Path())
@options.as_json
@options.verbosity
def info(file: str, as_json: bool) -> None:
    """Say what a coded file's header holds; - is standard input."""
    from neurocodec import codecs, files
    from neurocodec.measures.rate import bpp

    data = files.read(file)
    name = files.display(file)
    codec = codecs.recognise(data, name)
    with files.naming(name):
        found = codec.inspect(data)
    said = {"file": file, "codec": codec.name, "size_bytes": len(data)}
    said |= {"bpp": bpp(len(data), found["width"], found["height"]), **found}
    if as_json:
        click.echo(json.dumps(said))
        return
    width = max(map(len, said))
    for key, value in said.items():
        click.echo(f"{key:{width}}  {value}")
