"""Filter pictures before a stock encoder, so that recognisers keep accuracy at fewer bits.

The public names are those in `__all__`, each imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurocodec.api import decode, encode
    from neurocodec.codecs import Level
    from neurocodec.images import Image
    from neurocodec.pipeline import Pipeline, Setting

__version__ = "0.3.0"
__all__ = ["Image", "Level", "Pipeline", "Setting", "decode", "encode"]

_MODULES = {
    "Image": "neurocodec.images",
    "Level": "neurocodec.codecs",
    "Pipeline": "neurocodec.pipeline",
    "Setting": "neurocodec.pipeline",
    "decode": "neurocodec.api",
    "encode": "neurocodec.api",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'neurocodec' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
