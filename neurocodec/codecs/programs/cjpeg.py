"""cjpeg, the encoder of libjpeg-turbo or of mozjpeg."""

import tempfile

from neurocodec import images
from neurocodec.images import Image
from neurocodec.tools import Program, Tool, run, time_limit_s

CJPEG = Tool(
    name="cjpeg",
    probe=("-version",),
    version_pattern=r"((?:libjpeg-turbo|mozjpeg) version [\w.]+)",
    install="apt-get install libjpeg-turbo-progs",
)
_SAMPLING = {"420": "2x2", "422": "2x1", "444": "1x1"}


def encode(program: Program, image: Image, quality: int, chroma: str) -> bytes:
    """Encode a picture to a baseline JPEG with optimised Huffman tables.

    Raises:
        ToolError: it failed.
    """
    arguments = ["-quality", str(quality), "-sample", _SAMPLING[chroma]]
    arguments += ["-optimize", "-baseline", "-dct", "int"]
    if program.version.startswith("mozjpeg"):
        # Its own default is another set of tables, by which a quality would mean something else.
        arguments += ["-quant-table", "0"]
    pixels = image.width * image.height
    timeout_s = time_limit_s(pixels)
    picture = images.ppm(image)
    if image.jpeg_steps is None:
        return run(program, arguments, timeout_s=timeout_s, pixels=pixels, stdin=picture)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as tables:
        tables.write("\n".join(" ".join(map(str, table)) for table in image.jpeg_steps))
        tables.flush()
        # At quality 50 the tables are used as they are.
        arguments += ["-quality", "50", "-qtables", tables.name]
        return run(program, arguments, timeout_s=timeout_s, pixels=pixels, stdin=picture)
