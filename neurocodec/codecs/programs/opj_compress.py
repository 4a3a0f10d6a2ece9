"""opj_compress, OpenJPEG's encoder of JPEG 2000."""

from neurocodec import images
from neurocodec.images import Image
from neurocodec.tools import Program, Tool, run, scratch, time_limit_s

OPJ_COMPRESS = Tool(
    name="opj_compress",
    probe=("-h",),
    version_pattern=r"openjp2 library v(\d+(?:\.\d+)*)",
    install="apt-get install libopenjp2-tools",
)


def encode(program: Program, image: Image, psnr_db: int, resolutions: int, comment: str) -> bytes:
    """Encode a picture to a .jp2 of one layer and one tile.

    Args:
        program: opj_compress.
        image: without alpha.
        psnr_db: the aim; 0 for all there is.
        resolutions: one more than there are decompositions.
        comment: in place of OpenJPEG's own with its version.

    Raises:
        ToolError: it failed.
    """
    with scratch() as folder:
        source = folder / ("picture.pgm" if image.gray else "picture.ppm")
        target = folder / "picture.jp2"
        source.write_bytes(images.ppm(image))
        arguments = ["-i", str(source), "-o", str(target), "-I", "-q", str(psnr_db)]
        arguments += ["-n", str(resolutions), "-b", "64,64", "-p", "LRCP"]
        arguments += ["-mct", "0" if image.gray else "1", "-C", comment]
        pixels = image.width * image.height
        timeout_s = time_limit_s(pixels)
        return run(program, arguments, timeout_s=timeout_s, pixels=pixels, produces=target)
