"""`neurocodec choose`."""

import click

from neurocodec.cli import options


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULTS...", type=click.Path())
@click.option("--codec", required=True, help="The codec whose curves are compared.")
@click.option(
    "--filter",
    "--pre",
    "name",
    required=True,
    help="The filter whose settings are compared: blur, scale, tvl1.",
)
@click.option("-o", "--output", required=True, type=click.Path(), help="The schedule to write.")
@options.verbosity
def choose(results: tuple[str, ...], codec: str, name: str, output: str) -> None:
    """Choose a filter's best setting for every QP from results of `evaluate`.

    The lowest R + λ·KL wins, where λ is the slope of the codec's unfiltered curve. Choose on
    pictures that no result will be shown on, then use it: --filter schedule:file=OUT.
    """
    import json
    from pathlib import Path

    from neurocodec import files
    from neurocodec.evaluation import choice
    from neurocodec.evaluation.results import read
    from neurocodec.evaluation.selection import gather

    curves = gather(result for path in results for result in read(path))
    chosen, costs = choice.choose(choice.candidates(curves, codec, name))
    record = {"codec": codec, "filters": chosen, "costs": costs}
    files.make_folder(Path(output).parent)
    files.write(output, (json.dumps(record, indent=1) + "\n").encode())
    for qp, winner in chosen.items():
        click.echo(f"qp {qp}  {winner}")
