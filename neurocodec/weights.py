"""Trained weights: where they are and what the manifest says of them. Imports no torch."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from neurocodec import files
from neurocodec.errors import BadInputError, MissingError

VARIABLE = "NEUROCODEC_WEIGHTS"
_HERE = Path(__file__).resolve().parent
_PLACES = (_HERE.parent / "weights", _HERE / "packaged_weights")  # of a checkout, of a wheel
_MANIFEST = "manifest.json"
_ENDING = ".safetensors"


@dataclass(frozen=True)
class Weights:
    """A weights file, read whole.

    Attributes:
        name: what messages call it.
        data: the file.
        sha256: of the file, in hexadecimal.
    """

    name: str
    data: bytes
    sha256: str


def folder() -> Path:
    """Where weights are: $NEUROCODEC_WEIGHTS, else the folder that came with the package."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    there = (place for place in _PLACES if (place / _MANIFEST).is_file())
    return next(there, _PLACES[-1])


def automatic(codec: str) -> str | None:
    """The pretransform, as `--pre` writes it, that the manifest names for `codec`; None without.

    Raises:
        MissingError: the manifest is damaged.
    """
    filters: dict[str, str] = _manifest(folder()).get("auto", {})
    return filters.get(codec)


def automatic_for(name: str) -> list[str]:
    """The codecs of which that weight is the filter of `--pre auto`.

    Raises:
        MissingError: the manifest is damaged.
    """
    filters: dict[str, str] = _manifest(folder()).get("auto", {})
    return [codec for codec, pre in filters.items() if pre.endswith(f":weights={name}")]


def installed() -> dict[str, dict[str, Any]]:
    """The manifest's entry of every installed weight, by name; "file" and "sha256" in each.

    Raises:
        MissingError: the manifest is damaged.
    """
    entries: dict[str, dict[str, Any]] = _manifest(folder()).get("weights", {})
    return entries


def entry(name: str) -> dict[str, Any]:
    """The manifest's entry of an installed weight.

    Raises:
        MissingError: none has that name, or the manifest is damaged.
    """
    entries = installed()
    if name not in entries:
        known = ", ".join(entries) or "none"
        raise MissingError(
            f"no weights are called {name!r}: installed are {known}; else give a {_ENDING} file"
        )
    return entries[name]


def read(weights: str) -> Weights:
    """The weights file of that name or path.

    Args:
        weights: the name of an installed one, or the path of a .safetensors file.

    Raises:
        MissingError: there is no such weight or file, or an installed one is not the one that the
            manifest means.
    """
    if weights in installed() or not weights.endswith(_ENDING):
        return _verified(weights, entry(weights))
    try:
        data = files.read(weights)
    except BadInputError as exc:
        raise MissingError(str(exc)) from exc
    return Weights(files.display(weights), data, hashlib.sha256(data).hexdigest())


def enter(name: str, said: dict[str, Any], auto: Mapping[str, str]) -> None:
    """Write an entry into the manifest; one of that name is replaced.

    Args:
        name: of the weight.
        said: what the manifest is to say of it; "file" and "sha256" among it.
        auto: by codec, the pretransform that `--pre auto` is to be there.

    Raises:
        MissingError: the manifest is damaged.
        OutputError: it cannot be written.
    """
    where = folder()
    manifest = {
        "auto": {**_manifest(where).get("auto", {}), **auto},
        "weights": {**installed(), name: said},
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    files.write(str(where / _MANIFEST), text.encode())
    _manifest.cache_clear()


def _verified(name: str, said: dict[str, Any]) -> Weights:
    path = folder() / said["file"]
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise MissingError(
            f"weights {name}: {path} cannot be read ({exc.strerror}): install the package again"
        ) from exc
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != said["sha256"]:
        raise MissingError(
            f"weights {name}: {path} is not the file that the manifest means (its sha256 is "
            f"{sha256[:12]}…): install the package again"
        )
    return Weights(name, data, sha256)


@lru_cache
def _manifest(where: Path) -> dict[str, Any]:
    path = where / _MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        raise MissingError(f"{path}: cannot be read ({exc}): install the package again") from exc
    return manifest
