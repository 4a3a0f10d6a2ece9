"""`neurocodec bdrate`."""

from typing import TYPE_CHECKING

import click

from neurocodec.cli import comparing, console, options

if TYPE_CHECKING:
    from neurocodec.evaluation.bd_rate import CurveBdRate, Estimation
    from neurocodec.evaluation.equal_rate import AtRate


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULTS...", type=click.Path())
@click.option("--anchor", default="", metavar="KEY=VALUE,…", help="The curve that counts as 0 %.")
@click.option("--test", default="", metavar="KEY=VALUE,…", help="The curve compared with it.")
@click.option(
    "--metric",
    metavar="kl|top1|map|miou|psnr_db|…",
    help="A score in the results.  [default: the task's main one: kl, map, miou …]",
)
@comparing.estimation
@click.option(
    "--across-codecs",
    is_flag=True,
    help="Allow codec, encoder and chroma to differ; the result names the differences.",
)
@click.option(
    "--at-bpp",
    type=click.FloatRange(min=0, min_open=True),
    metavar="B",
    help="Compare the scores at that rate instead, as the papers' tables do; a score "
    "between points is a straight line over the log rate, whatever --method.",
)
@options.as_json
@options.verbosity
def bdrate(
    results: tuple[str, ...],
    anchor: str,
    test: str,
    metric: str | None,
    estimation: "Estimation",
    across_codecs: bool,
    at_bpp: float | None,
    as_json: bool,
) -> None:
    """Compute how many per cent more bits one curve needs than another for the same score.

    RESULTS are files that evaluate wrote, or - for a pipe. Two files of one curve each are
    anchor and test; else --anchor and --test choose by codec, filter, model, data and so on.

    \b
    neurocodec bdrate results.jsonl --anchor codec=bpg,filter=none --test codec=bpg,filter=tvl1
    """
    from neurocodec.evaluation import bd_rate, equal_rate, selection
    from neurocodec.evaluation.results import read

    files = [read(path) for path in results]
    curves = selection.anchor_and_test(files, anchor, test)
    if at_bpp is not None:
        at_rate = equal_rate.compare(
            *curves, at_bpp, metric, estimation, across_codecs=across_codecs
        )
        console.result(at_rate, as_json, _text_at_rate(at_rate))
        return
    compared = bd_rate.compare(*curves, metric, estimation, across_codecs=across_codecs)
    console.result(compared, as_json, _text(compared))


def _text(compared: "CurveBdRate") -> str:
    from neurocodec.evaluation.bd_rate import percent

    low, high = compared.overlap.bpp
    interval = "without an interval"
    if compared.interval is not None:
        interval = "[" + ", ".join(map(percent, compared.interval)) + "]"
    parts = [
        f"BD-rate({compared.metric}) {percent(compared.bd_rate_percent)} % {interval}"
        f" over {low:.2f}–{high:.2f} bpp ({compared.overlap.fraction:.0%} of the scores' range)",
        f"{compared.points[0]} and {compared.points[1]} points",
        compared.method,
        f"{compared.pictures} pictures",
    ]
    if compared.replicates:
        parts.append(f"{compared.replicates} replicates, {compared.failed_replicates} failed")
    return _joined(parts, compared)


def _text_at_rate(compared: "AtRate") -> str:
    interval = "without an interval"
    if compared.interval is not None:
        interval = "[{:+.4f}, {:+.4f}]".format(*compared.interval)
    change = f"{compared.metric} {compared.anchor_score:.4f} → {compared.test_score:.4f}"
    parts = [
        f"at {compared.bpp:g} bpp {change}: {compared.difference:+.4f} {interval}",
        f"{compared.pictures} pictures",
    ]
    return _joined(parts, compared)


def _joined(parts: list[str], compared: "CurveBdRate | AtRate") -> str:
    if compared.differs:
        parts.append(f"across codecs: {', '.join(compared.differs)} differ")
    return ", ".join(parts) + (f"; {compared.note}" if compared.note else "")
