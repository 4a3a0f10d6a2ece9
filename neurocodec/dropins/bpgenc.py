"""`neurocodec-bpgenc`: libbpg's encoder command, for scripts on a machine without libbpg."""

from typing import Any, NoReturn

import click

from neurocodec import __version__, cli
from neurocodec.errors import UsageError

LIBBPG = "0.9.8"

HELP = f"""\
BPG Image Encoder version {LIBBPG} (neurocodec {__version__} drop-in, by x265)
usage: neurocodec-bpgenc [options] infile

-h                 show this and exit with 1
-o outfile         the .bpg to write (default out.bpg)
-q qp              0 (best) to 51 (default 29)
-f cfmt            chroma format: 420, 422 or 444 (default 420)
-c color_space     ycbcr, rgb, ycgco, ycbcr_bt709 or ycbcr_bt2020 (default ycbcr)
-b bit_depth       8, 10 or 12 (default 8)
-lossless          keep every sample
-e encoder         x265, the only one here (default)
-m level           1 (fast) to 9 (slow) (default 8)
-alphaq qp         for the alpha channel (default as -q)
-limitedrange      video range
-keepmetadata      keep EXIF, ICC profile and XMP
-v                 show the commands that run

Not here: -e jctvc, -premul, -hash, and animations (-a, -fps, -loop, -delayfile).
"""


@click.command(add_help_option=False)
@click.argument("infile", required=False, type=click.Path())
@click.option("-h", "show_help", is_flag=True)
@click.option("-o", "outfile", default="out.bpg", type=click.Path())
@click.option("-q", "qp", type=int, default=29)
@click.option("-f", "chroma", type=click.Choice(["420", "422", "444"]), default="420")
@click.option("-c", "color_space", default="ycbcr")
@click.option("-b", "bit_depth", type=int, default=8)
@click.option("-lossless", "--lossless", is_flag=True)
@click.option("-e", "encoder", default="x265")
@click.option("-m", "effort", type=int, default=8)
@click.option("-alphaq", "--alphaq", "alpha_qp", type=int, default=-1)
@click.option("-limitedrange", "--limitedrange", "limited_range", is_flag=True)
@click.option("-keepmetadata", "--keepmetadata", "keep_metadata", is_flag=True)
@click.option("-v", "verbose", count=True)
def bpgenc(infile: str | None, show_help: bool, **asked: Any) -> None:
    """Encode one picture as libbpg's bpgenc would."""
    if show_help or infile is None:
        click.echo(HELP, nl=False)
        raise click.exceptions.Exit(1)
    _encode(infile, **asked)


def _encode(
    infile: str, outfile: str, qp: int, encoder: str, effort: int, verbose: int, **settings: Any
) -> None:
    from neurocodec import files, images
    from neurocodec.cli import console
    from neurocodec.codecs import Level
    from neurocodec.codecs.bpg import Bpg

    console.set_up(verbose)
    if encoder != "x265":
        raise UsageError(f"there is no encoder {encoder} here: leave -e out, or give -e x265")
    codec = Bpg(engine="x265", effort=min(9, max(1, effort)), **settings)
    image = images.read(files.read(infile), files.display(infile))
    files.write(outfile, codec.encode(image, Level("qp", qp)))


def main() -> NoReturn:
    """Run as a program; every failure exits with 1, as bpgenc's do."""
    cli.run(bpgenc, "neurocodec-bpgenc", failure=1)
