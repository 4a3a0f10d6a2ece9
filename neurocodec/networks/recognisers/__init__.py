"""Recognisers: frozen networks of other projects that read images, and how they are loaded.

The public names are those in `__all__`, each imported when it is first used: loading wants
torchvision, whose two seconds the networks of this package alone need not wait.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurocodec.networks.recognisers.loading import load
    from neurocodec.networks.recognisers.recogniser import Recogniser

__all__ = ["Recogniser", "load"]

_MODULES = {
    "Recogniser": "neurocodec.networks.recognisers.recogniser",
    "load": "neurocodec.networks.recognisers.loading",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
