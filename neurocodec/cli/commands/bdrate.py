"""`neurocodec bdrate`."""

from typing import TYPE_CHECKING, Literal

import click

from neurocodec.cli import comparing, console, options

if TYPE_CHECKING:
    from neurocodec.evaluation.bd_rate import BdRate


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULTS...", type=click.Path())
@click.option("--anchor", default="", metavar="KEY=VALUE,…", help="The curve that counts as 0 %.")
@click.option("--test", default="", metavar="KEY=VALUE,…", help="The curve compared with it.")
@click.option(
    "--metric",
    default="kl",
    show_default=True,
    metavar="kl|agreement|top1|map|miou|psnr_db|…",
    help="A score that the results have.",
)
@comparing.method
@comparing.bootstrap
@comparing.seed
@click.option(
    "--across-codecs",
    is_flag=True,
    help="Let codec, encoder and chroma differ; the result says so.",
)
@options.as_json
@options.verbosity
def bdrate(
    results: tuple[str, ...],
    anchor: str,
    test: str,
    metric: str,
    method: Literal["pchip", "akima"],
    bootstrap: int,
    seed: int,
    across_codecs: bool,
    as_json: bool,
) -> None:
    """Say how many per cent more bits one curve needs than another for the same score.

    RESULTS are files that evaluate wrote, or - for a pipe. Two files of one curve each are
    anchor and test; else --anchor and --test choose by codec, pre, model, data and so on.

    \b
    neurocodec bdrate results.jsonl --anchor codec=bpg,pre=none --test codec=bpg,pre=tvl1
    """
    from neurocodec.evaluation import bd_rate, selection

    found = [selection.read(path) for path in results]
    curves = selection.anchor_and_test(found, anchor, test)
    compared = bd_rate.compare(
        *curves,
        metric,
        method=method,
        replicates=bootstrap,
        seed=seed,
        across_codecs=across_codecs,
    )
    console.result(compared, as_json, _text(compared))


def _text(compared: "BdRate") -> str:
    from neurocodec.evaluation.bd_rate import percent

    low, high = compared.overlap.bpp
    interval = "without an interval"
    if compared.interval is not None:
        interval = "[" + ", ".join(map(percent, compared.interval)) + "]"
    said = [
        f"BD-rate({compared.metric}) {percent(compared.bd_rate_percent)} % {interval}"
        f" over {low:.2f}–{high:.2f} bpp ({compared.overlap.fraction:.0%} of the scores' range)",
        f"{compared.points[0]} and {compared.points[1]} points",
        compared.method,
        f"{compared.pictures} pictures",
    ]
    if compared.replicates:
        said.append(f"{compared.replicates} replicates, {compared.failed_replicates} failed")
    if compared.differs:
        said.append(f"across codecs: {', '.join(compared.differs)} differ")
    return ", ".join(said) + (f"; {compared.note}" if compared.note else "")
