"""Trained weights: find them, their manifest entries and their sha256. Imports no torch."""

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

from neurocodec import files, registry
from neurocodec.errors import BadInputError, MissingError, UsageError

VARIABLE = "NEUROCODEC_WEIGHTS"
_HERE = Path(__file__).resolve().parent
_PLACES = (_HERE.parent / "weights", _HERE / "packaged_weights")  # in a checkout, in a wheel
_MANIFEST = "manifest.json"
_ENDING = ".safetensors"


@dataclass(frozen=True)
class Weights:
    """The bytes of a weights file.

    Attributes:
        name: how messages refer to it.
        data: the file's content.
        sha256: of `data`, in hexadecimal.
    """

    name: str
    data: bytes
    sha256: str


def folder() -> Path:
    """The folder of installed weights: $NEUROCODEC_WEIGHTS, else the package's."""
    explicit = os.environ.get(VARIABLE)
    if explicit:
        return Path(explicit)
    present = (place for place in _PLACES if (place / _MANIFEST).is_file())
    return next(present, _PLACES[-1])


def automatic() -> dict[str, str]:
    """The filter that `--filter auto` stands for, by codec, as `--filter` takes it.

    Raises:
        MissingError: the manifest is damaged, or $NEUROCODEC_WEIGHTS is no folder.
    """
    filters: dict[str, str] = _manifest(folder())["auto"]
    return filters


def automatic_for(name: str) -> list[str]:
    """The codecs whose `--filter auto` uses the weights `name`.

    Raises:
        MissingError: as `automatic`.
    """
    return [codec for codec, spec in automatic().items() if _weights_of(spec) == name]


def installed() -> dict[str, dict[str, Any]]:
    """The manifest's entries by name; each has at least "file" and "sha256".

    Raises:
        MissingError: as `automatic`.
    """
    entries: dict[str, dict[str, Any]] = _manifest(folder())["weights"]
    return entries


def entry(name: str) -> dict[str, Any]:
    """The manifest's entry of an installed weight.

    Raises:
        MissingError: no weight has that name, or the manifest is damaged.
    """
    entries = installed()
    if name not in entries:
        known = ", ".join(entries) or "none"
        raise MissingError(
            f"no weights are called {name!r} (installed: {known}): "
            f"name one of these or a {_ENDING} file"
        )
    return entries[name]


def read(weights: str) -> Weights:
    """Read installed weights or a file, and check installed ones against the manifest.

    Args:
        weights: the name of installed weights, or the path of a .safetensors file.

    Raises:
        MissingError: no such weights or file, or the installed file is missing, truncated or
            altered.
    """
    if weights in installed() or not weights.endswith(_ENDING):
        return _verified(weights, entry(weights))
    try:
        data = files.read(weights)
    except BadInputError as exc:
        raise MissingError(str(exc)) from exc
    return Weights(files.display(weights), data, hashlib.sha256(data).hexdigest())


def enter(name: str, record: Mapping[str, Any], auto: Mapping[str, str]) -> None:
    """Write an entry into the manifest, replacing the one of that name.

    Args:
        name: of the weights.
        record: the entry, with at least "file" and "sha256".
        auto: the filter that `--filter auto` becomes, by codec.

    Raises:
        MissingError: the manifest is damaged.
        OutputError: the manifest cannot be written.
    """
    where = folder()
    with _locked(where):
        _manifest.cache_clear()  # another process may have written since
        manifest = {
            "auto": {**automatic(), **auto},
            "weights": {**installed(), name: dict(record)},
        }
        text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
        files.write(str(where / _MANIFEST), text.encode())
        _manifest.cache_clear()


@contextmanager
def _locked(where: Path) -> Iterator[None]:
    """Keep other processes from writing the manifest in that folder."""
    descriptor = os.open(where, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _verified(name: str, record: dict[str, Any]) -> Weights:
    path = folder() / record["file"]
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise MissingError(f"weights {name}: {path} is missing: {_remedy()}") from None
    except OSError as exc:
        raise MissingError(
            f"weights {name}: {path} cannot be read ({exc.strerror}): {_remedy()}"
        ) from exc
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != record["sha256"]:
        fault = _fault(data, sha256, record)
        raise MissingError(f"weights {name}: {path} {fault}: {_remedy()}")
    return Weights(name, data, sha256)


def _fault(data: bytes, sha256: str, record: dict[str, Any]) -> str:
    missing = record.get("size_bytes", 0) - len(data)
    if missing > 0:
        return f"is truncated: {missing:,} of its {record['size_bytes']:,} bytes are missing"
    return f"was altered: its sha256 is {sha256[:12]}…, the manifest's {record['sha256'][:12]}…"


@lru_cache
def _manifest(where: Path) -> dict[str, Any]:
    path = where / _MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not where.is_dir() and os.environ.get(VARIABLE):
            raise MissingError(f"{VARIABLE}={where}: no such folder: correct or unset it") from None
        manifest = {}
    except (OSError, ValueError) as exc:
        raise MissingError(f"{path} cannot be read ({exc}): {_remedy()}") from exc
    if not _is_sound(manifest):
        raise MissingError(f"{path} is not a manifest of weights: {_remedy()}")
    return {"auto": {}, "weights": {}, **manifest}


def _is_sound(manifest: Any) -> bool:
    """Check that every weight has a file and a sha256, and every codec of "auto" a filter."""
    if not isinstance(manifest, dict):
        return False
    auto, entries = manifest.get("auto", {}), manifest.get("weights", {})
    if not isinstance(auto, dict) or not isinstance(entries, dict):
        return False
    return all(map(_is_filter, auto.values())) and all(map(_is_entry, entries.values()))


def _is_filter(spec: Any) -> bool:
    try:
        return isinstance(spec, str) and bool(registry.parse(spec))
    except UsageError:
        return False


def _is_entry(record: Any) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("size_bytes", 0), int):
        return False
    file, sha256 = record.get("file"), record.get("sha256")
    return isinstance(file, str) and isinstance(sha256, str) and file == Path(file).name


def _weights_of(spec: str) -> str | None:
    return registry.parse(spec)[1].get("weights")


def _remedy() -> str:
    added_by_user = os.environ.get(VARIABLE)
    return "add the weights again" if added_by_user else "install the package again"
