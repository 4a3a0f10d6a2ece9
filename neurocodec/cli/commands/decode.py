"""`neurocodec decode`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from neurocodec.batch.plan import Job
from neurocodec.cli import options
from neurocodec.cli.selection import Selection, selection
from neurocodec.errors import UsageError

if TYPE_CHECKING:
    from neurocodec.batch.engines.local import Outcome
    from neurocodec.batch.records import DecodeRecord


@click.command()
@selection
@click.option("--expect-sha256", metavar="HEX", help="Refuse the file unless its sha256 is this.")
@click.option(
    "--weights",
    metavar="NAME|FILE",
    help="Weights of a learned codec's file; without it installed ones that fit are found.",
)
@click.option(
    "--partial", is_flag=True, help="Decode what a cut file of a progressive codec (dic) holds."
)
@options.verbosity
def decode(
    chosen: Selection, expect_sha256: str | None, weights: str | None, partial: bool
) -> None:
    """Decode files of any of the formats, recognised by their first bytes, to PNG.

    A name given with -o that ends in .ppm gets a PPM. Without -o an existing picture stays (it
    may be the original): --overwrite replaces it.

    \b
    neurocodec decode photo.bpg -o seen.png
    """
    from neurocodec import codecs
    from neurocodec.batch import run
    from neurocodec.cli import many_files

    planned = chosen.plan(
        ".png", codecs.is_coded, run.PPM_ENDINGS, accepts_name=codecs.has_coded_name
    )
    if expect_sha256 is not None and len(planned.jobs) != 1:
        raise UsageError(f"--expect-sha256 is for one file, not {len(planned.jobs)}")
    settings = {"weights": weights, "partial": partial}

    def begin(jobs: list[Job]) -> Iterator["Outcome[Job, DecodeRecord]"]:
        return run.decode(
            jobs,
            workers=chosen.workers(planned),
            handling=chosen.handling(),
            expected_sha256=expect_sha256,
            settings=settings,
        )

    many_files.work(planned, chosen, "decoding", settings, begin)
