"""A trained network made ready to be used by name: its file, its manifest entry and its card."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from neurocodec import files, weights
from neurocodec.errors import BadInputError, UsageError
from neurocodec.networks import checkpoint

_HEAD = (
    "| data | recogniser | anchor | test | metric | BD-rate | 95 % interval | pictures |\n"
    "|---|---|---|---|---|---|---|---|"
)
_FACTS = (
    *("file", "sha256", "size_bytes", "network", "architecture", "codec", "encoder", "proxy"),
    *("qps", "task", "loss", "recognisers", "data", "steps", "minutes", "commit", "command"),
)


@dataclass(frozen=True)
class Release:
    """What is to be known of a weight beside what its file says.

    Attributes:
        name: that it is to have, a file's name without an ending.
        automatic: the codecs whose `--pre auto` it is to be.
        commit: of the program that trained it.
        note: what else the card should say, one paragraph.
        measured: objects that `bdrate --json` printed.
        half: store float16.
    """

    name: str
    automatic: Sequence[str] = ()
    commit: str = ""
    note: str = ""
    measured: Sequence[Mapping[str, Any]] = field(default_factory=list)
    half: bool = False


def add(path: Path, release: Release) -> Path:
    """Put a weights file into the folder of weights; one of that name is replaced.

    Returns:
        Its place.

    Raises:
        UsageError: a name that is none.
        BadInputError: the file cannot be read, or holds no network of this program.
        MissingError: the manifest is damaged.
        OutputError: the folder cannot be written.
    """
    name = release.name
    if not name or name != Path(name).name or name.startswith("."):
        raise UsageError(f"{name!r} is no name for weights: write letters, digits, - and _")
    data = files.read(str(path))
    found = checkpoint.load(data, files.display(path))
    if release.half:
        data = _halved(found)
    entry = _entry(found, data, release)
    folder = weights.folder()
    files.make_folder(folder)
    target = folder / f"{name}.safetensors"
    files.write(str(target), data)
    files.write(str(folder / f"{name}.md"), card(name, entry).encode())
    weights.enter(name, entry, dict.fromkeys(release.automatic, f"{found.kind}:weights={name}"))
    return target


def check(name: str) -> checkpoint.Checkpoint:
    """The network of an installed weight, after its sha256 was compared and it was loaded whole.

    Raises:
        MissingError: no such weight, or its file is not the one that the manifest means.
        BadInputError: the file holds no network of this program.
    """
    return checkpoint.load(weights.read(name).data, name)


def measurements(path: Path) -> list[dict[str, Any]]:
    """The objects in a file of lines that `bdrate --json` printed.

    Raises:
        BadInputError: it cannot be read or holds something else.
    """
    try:
        lines = [json.loads(line) for line in files.read(str(path)).splitlines() if line.strip()]
        for line in lines:
            _row(line)
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise BadInputError(f"{files.display(path)}: not of `bdrate --json` ({exc!r})") from exc
    return lines


def card(name: str, entry: Mapping[str, Any]) -> str:
    """What `weights show` prints of an entry of the manifest: Markdown."""
    facts = [f"- {key}: {_text(entry[key])}" for key in _FACTS if entry.get(key)]
    parts = [f"# {name}", "\n".join(facts)]
    if entry.get("note"):
        parts.append(entry["note"])
    if entry.get("measured"):
        parts.append("\n".join([_HEAD, *map(_row, entry["measured"])]))
    return "\n\n".join(parts) + "\n"


def _halved(found: checkpoint.Checkpoint) -> bytes:
    return checkpoint.dump(found.network.to(torch.float16), found.kind, found.made)


def _entry(found: checkpoint.Checkpoint, data: bytes, release: Release) -> dict[str, Any]:
    made, config = found.made, found.made.get("config", {})
    known = {key: made[key] for key in _FACTS if key in made}
    return {
        "file": f"{release.name}.safetensors",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "network": found.kind,
        "architecture": json.dumps(getattr(found.network, "config", {})),
        **known,
        "data": config.get("data", ""),
        "command": config.get("command", ""),
        "commit": release.commit,
        "note": release.note,
        "measured": list(release.measured),
    }


def _row(measured: Mapping[str, Any]) -> str:
    low_high = measured["interval"]
    interval = "none" if low_high is None else "[{:+.1f}, {:+.1f}]".format(*low_high)
    cells: Iterable[Any] = (
        Path(measured["data"]).name,
        measured["model"] or "—",
        measured["anchor"],
        measured["test"],
        measured["metric"],
        f"{measured['bd_rate_percent']:+.1f} %",
        interval,
        measured["pictures"],
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
