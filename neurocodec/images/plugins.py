"""Formats that Pillow reads and writes by plug-ins."""

from functools import lru_cache
from importlib.util import find_spec

ENDINGS = {".heic": "HEIF", ".heif": "HEIF", ".hif": "HEIF", ".jxl": "JXL"}
"""Pillow's names of the plug-ins' formats, by the endings of files."""


@lru_cache(maxsize=1)
def know_plugins() -> None:
    """Register those that are installed with Pillow, if they are not yet."""
    if find_spec("pillow_heif") is not None:
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
    if find_spec("pillow_jxl") is not None:
        from pillow_jxl import JpegXLImagePlugin  # importing registers it

        JpegXLImagePlugin.DECODE_THREADS = 1  # every core has a picture of its own
