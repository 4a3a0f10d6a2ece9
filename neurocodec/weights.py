"""Trained weights: where they are and what the manifest says of them. Imports no torch."""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from neurocodec.errors import MissingError

VARIABLE = "NEUROCODEC_WEIGHTS"
_PACKAGED = Path(__file__).resolve().parent.parent / "weights"


def folder() -> Path:
    """Where weights are: $NEUROCODEC_WEIGHTS, else the folder that came with the package."""
    return Path(os.environ.get(VARIABLE) or _PACKAGED)


def automatic(codec: str) -> str | None:
    """The pretransform, as `--pre` writes it, that the manifest names for `codec`; None without.

    Raises:
        MissingError: the manifest is damaged.
    """
    filters: dict[str, str] = _manifest(folder()).get("auto", {})
    return filters.get(codec)


@lru_cache
def _manifest(where: Path) -> dict[str, Any]:
    path = where / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        raise MissingError(f"{path}: cannot be read ({exc}): install the package again") from exc
    return manifest
