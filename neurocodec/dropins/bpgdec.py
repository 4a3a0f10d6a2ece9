"""`neurocodec-bpgdec`: libbpg's decoder command, for scripts on a machine without libbpg."""

from collections.abc import Sequence
from typing import NoReturn

import click

from neurocodec import __version__
from neurocodec.dropins import command

HELP = f"""\
BPG Image Decoder version {command.LIBBPG} (neurocodec {__version__} drop-in)
usage: neurocodec-bpgdec [options] infile

-h                     show this and exit with 1
-o outfile.[ppm|png]   the picture to write (default out.png)
-b bit_depth           8 or 16 bits a sample of a .png (default 8)
-i                     print what the file holds, and decode nothing

Of an animation the first picture is decoded.
"""


def bpgdec(arguments: Sequence[str]) -> None:
    """Decode one .bpg as libbpg's bpgdec does: to RGB whatever is in it."""
    pairs, operands = command.parse(arguments, "ho:b:i")
    options = dict(pairs)
    if "h" in options or not operands:
        command.show(HELP)
    from neurocodec import files
    from neurocodec.codecs.bpg.container import demux
    from neurocodec.dropins import decoding

    source, target = operands[0], options.get("o", "out.png")
    data = files.read(source)
    with files.naming(files.display(source)):
        bpg = demux(data)
        if "i" in options:
            click.echo(decoding.describe(bpg))
            return
        _, dot, ending = target.rpartition(".")
        if dot and ending.lower() != "ppm":
            picture = decoding.png(bpg, command.number(options.get("b", "8")))
        else:
            picture = decoding.ppm(bpg)
    files.write(target, picture)


def main() -> NoReturn:
    """Run as a program."""
    command.run(bpgdec, "neurocodec-bpgdec")
