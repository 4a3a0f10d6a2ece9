"""`neurocodec-bpgdec`: libbpg's decoder command, for scripts on a machine without libbpg."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import click

from neurocodec import __version__, cli
from neurocodec.dropins.bpgenc import LIBBPG

HELP = f"""\
BPG Image Decoder version {LIBBPG} (neurocodec {__version__} drop-in)
usage: neurocodec-bpgdec [options] infile

-h                     show this and exit with 1
-o outfile.[ppm|png]   the picture to write (default out.png)
-b bit_depth           8, the only one here (default)
-i                     say what the file holds, and decode nothing
"""
_COLOR_SPACES = {"ycbcr": "YCbCr", "rgb": "RGB", "ycgco": "YCgCo"}


@click.command(add_help_option=False)
@click.argument("infile", required=False, type=click.Path())
@click.option("-h", "show_help", is_flag=True)
@click.option("-o", "outfile", default="out.png", type=click.Path())
@click.option("-b", "bit_depth", type=click.Choice(["8"]), default="8")
@click.option("-i", "show_info", is_flag=True)
def bpgdec(
    infile: str | None, show_help: bool, outfile: str, bit_depth: str, show_info: bool
) -> None:
    """Decode one .bpg as libbpg's bpgdec would: to an RGB picture whatever is in it."""
    if show_help or infile is None:
        click.echo(HELP, nl=False)
        raise click.exceptions.Exit(1)
    from neurocodec import files, images
    from neurocodec.codecs.bpg import Bpg

    codec, data = Bpg(), files.read(infile)
    with files.naming(files.display(infile)):
        if show_info:
            click.echo(_line(codec.inspect(data)))
            return
        image = replace(codec.decode(data), gray=False, metadata={})
    if Path(outfile).suffix.lower() == ".png":
        files.write(outfile, images.png(image))
    else:
        files.write(outfile, images.ppm(replace(image, alpha=None)))


def _line(said: dict[str, Any]) -> str:
    chroma = ":".join(said["chroma"]) if said["chroma"].isdigit() else "Gray"
    space = _COLOR_SPACES.get(said["color_space"], said["color_space"])
    alpha = int(said["alpha"] != "none")
    return (
        f"size={said['width']}x{said['height']} color_space={space if chroma != 'Gray' else chroma}"
        f" alpha={alpha} format={chroma} bit_depth={said['bit_depth']}"
    )


def main() -> NoReturn:
    """Run as a program; every failure exits with 1, as bpgdec's do."""
    cli.run(bpgdec, "neurocodec-bpgdec", failure=1)
