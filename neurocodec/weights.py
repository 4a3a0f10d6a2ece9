"""Trained weights: where they are and what the manifest says of them. Imports no torch."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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


def automatic() -> dict[str, str]:
    """By codec, the filter that `--pre auto` stands for, as `--pre` writes it.

    Raises:
        MissingError: the manifest is damaged, or the folder that is named is not there.
    """
    filters: dict[str, str] = _manifest(folder())["auto"]
    return filters


def automatic_for(name: str) -> list[str]:
    """The codecs of which that weight is the filter of `--pre auto`.

    Raises:
        MissingError: as from `automatic`.
    """
    return [codec for codec, pre in automatic().items() if pre.endswith(f":weights={name}")]


def installed() -> dict[str, dict[str, Any]]:
    """The manifest's entry of every installed weight, by name; "file" and "sha256" in each.

    Raises:
        MissingError: as from `automatic`.
    """
    entries: dict[str, dict[str, Any]] = _manifest(folder())["weights"]
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


def enter(name: str, said: Mapping[str, Any], auto: Mapping[str, str]) -> None:
    """Write an entry into the manifest; one of that name is replaced.

    Args:
        name: of the weight.
        said: what the manifest is to say of it; "file" and "sha256" among it.
        auto: by codec, the filter that `--pre auto` is to be there.

    Raises:
        MissingError: the manifest is damaged.
        OutputError: it cannot be written.
    """
    where = folder()
    with _alone(where):
        _manifest.cache_clear()  # another process may have written since
        manifest = {
            "auto": {**automatic(), **auto},
            "weights": {**installed(), name: dict(said)},
        }
        text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
        files.write(str(where / _MANIFEST), text.encode())
        _manifest.cache_clear()


@contextmanager
def _alone(where: Path) -> Iterator[None]:
    """While no other process writes the manifest there."""
    descriptor = os.open(where, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _verified(name: str, said: dict[str, Any]) -> Weights:
    path = folder() / said["file"]
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise MissingError(
            f"weights {name}: {path} cannot be read ({exc.strerror}): {_remedy()}"
        ) from exc
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != said["sha256"]:
        raise MissingError(
            f"weights {name}: {path} is not the file that the manifest means (its sha256 is "
            f"{sha256[:12]}…): {_remedy()}"
        )
    return Weights(name, data, sha256)


@lru_cache
def _manifest(where: Path) -> dict[str, Any]:
    path = where / _MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not where.is_dir() and os.environ.get(VARIABLE):
            raise MissingError(f"{VARIABLE}: there is no folder {where}") from None
        manifest = {}
    except (OSError, ValueError) as exc:
        raise MissingError(f"{path}: cannot be read ({exc}): {_remedy()}") from exc
    if not _is_sound(manifest):
        raise MissingError(f"{path}: is no manifest of weights: {_remedy()}")
    return {"auto": {}, "weights": {}, **manifest}


def _is_sound(manifest: Any) -> bool:
    """Whether it says of every weight which file it is, and of every codec a filter."""
    if not isinstance(manifest, dict):
        return False
    auto, entries = manifest.get("auto", {}), manifest.get("weights", {})
    if not isinstance(auto, dict) or not isinstance(entries, dict):
        return False
    return all(isinstance(pre, str) for pre in auto.values()) and all(
        isinstance(said, dict)
        and isinstance(said.get("sha256"), str)
        and isinstance(said.get("file"), str)
        and said["file"] == Path(said["file"]).name
        for said in entries.values()
    )


def _remedy() -> str:
    own = os.environ.get(VARIABLE)
    return "add the weights again" if own else "install the package again"
