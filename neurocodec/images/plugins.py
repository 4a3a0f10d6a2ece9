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
        import pillow_jxl  # noqa: F401 - importing registers it
