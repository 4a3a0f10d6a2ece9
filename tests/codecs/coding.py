"""Encoding at a level in the codec's own unit, and by the bare ffmpeg program."""

from neurocodec import tools
from neurocodec.codecs import Codec, Level
from neurocodec.codecs.planes.layout import raw
from neurocodec.codecs.programs.ffmpeg import FFMPEG
from neurocodec.images import Image


def encoded(codec: Codec, image: Image, value: int) -> bytes:
    """The file of a picture."""
    return codec.encode(image, Level(codec.unit, value))


def by_ffmpeg(planes, pixel_format: str, arguments, container: str) -> bytes:
    """The elementary stream of one picture's planes."""
    height, width = planes[0].shape
    layout = ["-pix_fmt", pixel_format, "-video_size", f"{width}x{height}"]
    source = ["-loglevel", "error", "-f", "rawvideo", *layout, "-i", "pipe:0"]
    command = [*source, *arguments, "-f", container, "pipe:1"]
    return tools.run(tools.find(FFMPEG), command, timeout_s=60, stdin=raw(planes))
