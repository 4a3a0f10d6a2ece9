"""`neurocodec choose`."""

import click

from neurocodec.cli import options


@click.command()
@click.argument("results", nargs=-1, required=True, type=click.Path())
@click.option("--codec", required=True, help="Whose curves to choose from.")
@click.option("--pre", required=True, help="The filter whose settings compete: blur, scale, tvl1.")
@click.option("-o", "--output", required=True, type=click.Path(), help="The schedule to write.")
@options.verbosity
def choose(results: tuple[str, ...], codec: str, pre: str, output: str) -> None:
    """Choose a filter's best setting for every QP from results of `evaluate`.

    The lowest R + λ·KL wins, with λ the slope of the codec's own unfiltered curve. Choose on
    pictures that no result will be shown on; then use it with --pre schedule:file=OUT.
    """
    import json

    from neurocodec import files
    from neurocodec.evaluation import choice, selection
    from neurocodec.evaluation.results import Point

    points = [
        result
        for path in results
        for result in selection.read(path)
        if isinstance(result, Point)
        and result.setup.codec == codec
        and result.setup.pre.partition(":")[0] in {choice.UNFILTERED, pre}
    ]
    chosen, costs = choice.choose(points)
    said = {"codec": codec, "filters": chosen, "costs": costs}
    files.write(output, (json.dumps(said, indent=1) + "\n").encode())
    for qp, winner in chosen.items():
        click.echo(f"qp {qp}  {winner}")
