"""Trained weights: find them, their manifest entries and their sha256. Imports no torch."""

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurocodec import files, registry
from neurocodec.errors import BadInputError, MissingError, UsageError

VARIABLE = "NEUROCODEC_WEIGHTS"
_HERE = Path(__file__).resolve().parent
_PLACES = (_HERE.parent / "weights", _HERE / "packaged_weights")  # in a checkout, in a wheel
_MANIFEST = "manifest.json"
_ENDING = ".safetensors"


def folder() -> Path:
    """Return the folder of installed weights: $NEUROCODEC_WEIGHTS, else the package's."""
    explicit = os.environ.get(VARIABLE)
    if explicit:
        return Path(explicit)
    return next((place for place in _PLACES if (place / _MANIFEST).is_file()), _PLACES[-1])


def automatic() -> dict[str, str]:
    """Return the filter that `--filter auto` stands for, by codec, as `--filter` takes it.

    Raises:
        MissingError: the manifest is damaged, or $NEUROCODEC_WEIGHTS is no folder.
    """
    return _manifest()[0]


def automatic_for(name: str) -> list[str]:
    """List the codecs whose `--filter auto` uses the weights `name`.

    Raises:
        MissingError: as `automatic`.
    """
    specs = automatic().items()
    return [codec for codec, spec in specs if registry.parse(spec)[1].get("weights") == name]


def installed() -> dict[str, dict[str, Any]]:
    """Return the manifest's entries by name; each has at least "file" and "sha256".

    Raises:
        MissingError: as `automatic`.
    """
    return _manifest()[1]


def entry(name: str) -> dict[str, Any]:
    """Return the manifest's entry of an installed weight.

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


def read(weights: str) -> bytes:
    """Read installed weights or a file, and check installed ones against the manifest.

    Args:
        weights: the name of installed weights, or the path of a .safetensors file.

    Raises:
        MissingError: no such weights or file, or the installed file is missing, truncated or
            altered.
    """
    record = None if weights.endswith(_ENDING) and weights not in installed() else entry(weights)
    path = folder() / record["file"] if record else weights
    try:
        data = files.read(str(path))
    except BadInputError as exc:
        raise MissingError(
            f"weights {weights}: {exc}: {_remedy()}" if record else str(exc)
        ) from exc
    sha256 = hashlib.sha256(data).hexdigest()
    if record and sha256 != record["sha256"]:
        missing = record.get("size_bytes", 0) - len(data)
        fault = (
            f"is truncated: {missing:,} of its {record['size_bytes']:,} bytes are missing"
            if missing > 0
            else f"was altered: its sha256 is {sha256[:12]}…, not {record['sha256'][:12]}…"
        )
        raise MissingError(f"weights {weights}: {path} {fault}: {_remedy()}")
    return data


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
    lock = os.open(where, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be writing it
        filters, entries = _manifest()
        manifest = {"auto": {**filters, **auto}, "weights": {**entries, name: dict(record)}}
        text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
        files.write(str(where / _MANIFEST), text.encode())
    finally:
        os.close(lock)


def _manifest() -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """Read the filters by codec and the entries by name; a folder without a manifest has none."""
    where = folder()
    path = where / _MANIFEST
    try:
        manifest = files.parsed(path.read_bytes())
        filters, entries = manifest.get("auto", {}), manifest.get("weights", {})
        for spec in filters.values():
            registry.parse(spec)
        for record in entries.values():
            bytes.fromhex(record["sha256"])
            if Path(record["file"]).name != record["file"]:
                raise ValueError(f"{record['file']} is not in the folder")
    except FileNotFoundError:
        if not where.is_dir() and os.environ.get(VARIABLE):
            raise MissingError(f"{VARIABLE}={where}: no such folder: correct or unset it") from None
        return {}, {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, UsageError) as exc:
        raise MissingError(f"{path} is not a manifest of weights ({exc}): {_remedy()}") from exc
    return filters, entries


def _remedy() -> str:
    explicit = os.environ.get(VARIABLE)
    return "add the weights again" if explicit else "install the package again"
