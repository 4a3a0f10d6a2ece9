"""A trained network made ready to be used by name: its file, its manifest entry and its card."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from neurocodec import files, weights
from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.networks import checkpoint
from neurocodec.networks.filter import FilterNetwork

_HEAD = (
    "| data | recogniser | anchor | test | metric | BD-rate | 95 % interval | pictures |\n"
    "|---|---|---|---|---|---|---|---|"
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
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

    The manifest is written last: until then the one that is replaced stays as it was.

    Returns:
        Its place.

    Raises:
        UsageError: a name that is none, or what is no filter for `--pre auto`.
        BadInputError: the file cannot be read, or holds no network of this program.
        MissingError: the manifest is damaged.
        OutputError: the folder cannot be written.
    """
    _refuse_odd_name(release.name)
    data = files.read(str(path))
    found = checkpoint.load(data, files.display(path))
    if release.half:
        data = _halved(found, files.display(path))
    folder = weights.folder()
    files.make_folder(folder)
    replaced = weights.installed().get(release.name)
    auto = _automatic(found, release)
    entry = _entry(found, data, release)
    target = folder / str(entry["file"])
    files.write(str(target), data)
    text = card(release.name, entry)
    files.write(str(folder / f"{release.name}.md"), text.encode(errors="backslashreplace"))
    weights.enter(release.name, entry, auto)
    if replaced is not None and replaced["file"] != entry["file"]:
        (folder / replaced["file"]).unlink(missing_ok=True)
    return target


def check(name: str) -> checkpoint.Checkpoint:
    """The network of an installed weight, after its sha256 was compared and it was loaded whole.

    Raises:
        MissingError: no such weight, its file is not the one that the manifest means, or it is
            to be the filter of `--pre auto` and is none.
        BadInputError: the file holds no network of this program.
    """
    weights.entry(name)
    found = checkpoint.load(weights.read(name).data, name)
    for codec in weights.automatic_for(name):
        if weights.automatic()[codec] != _pretransform(found, name):
            raise MissingError(
                f"weights {name}: are no filter, and stand for --pre auto of {codec}"
            )
    return found


def measurements(path: Path) -> list[dict[str, Any]]:
    """The objects in a file of lines that `bdrate --json` printed.

    Raises:
        BadInputError: it cannot be read or holds something else.
    """
    try:
        lines = [json.loads(line) for line in files.read(str(path)).splitlines() if line.strip()]
        for line in lines:
            _row(line)
    except (ValueError, TypeError, LookupError, AttributeError) as exc:
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


def _refuse_odd_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for weights: write letters, digits, -, _ and .")
    if (weights.folder() / f"{name}.md").exists() and name not in weights.installed():
        raise UsageError(f"{name!r}: {name}.md is there and no weight's: take another name")


def _automatic(found: checkpoint.Checkpoint, release: Release) -> dict[str, str]:
    """By codec, what `--pre auto` is to be: there where the name is it already, too."""
    codecs = {*release.automatic, *weights.automatic_for(release.name)}
    if codecs and not isinstance(found.network, FilterNetwork):
        raise UsageError(f"a {found.kind} filters nothing: it cannot stand for --pre auto")
    return dict.fromkeys(codecs, _pretransform(found, release.name))


def _pretransform(found: checkpoint.Checkpoint, name: str) -> str:
    return f"{found.kind}:weights={name}"


def _halved(found: checkpoint.Checkpoint, name: str) -> bytes:
    network = found.network.to(torch.float16)
    tensors = network.state_dict().values()
    if not all(bool(tensor.isfinite().all()) for tensor in tensors if tensor.is_floating_point()):
        raise BadInputError(f"{name}: has weights beyond 16-bit floats: leave out --half")
    return checkpoint.dump(network, found.kind, found.made)


def _entry(found: checkpoint.Checkpoint, data: bytes, release: Release) -> dict[str, Any]:
    made = found.made
    config = made.get("config")
    settings = config if isinstance(config, dict) else {}
    sha256 = hashlib.sha256(data).hexdigest()
    return {
        **{key: made[key] for key in _FACTS if key in made},
        "file": _file_name(release.name, sha256),
        "sha256": sha256,
        "size_bytes": len(data),
        "network": found.kind,
        "architecture": json.dumps(getattr(found.network, "config", {})),
        "data": settings.get("data", ""),
        "command": settings.get("command", ""),
        "commit": release.commit,
        "note": release.note,
        "measured": list(release.measured),
    }


def _file_name(name: str, sha256: str) -> str:
    """NAME.safetensors, unless that is another weight's now: it must stay whole."""
    plain = f"{name}.safetensors"
    kept = [said for said in weights.installed().values() if said["file"] == plain]
    others = any(said["sha256"] != sha256 for said in kept)
    return f"{name}-{sha256[:8]}.safetensors" if others else plain


def _row(measured: Mapping[str, Any]) -> str:
    low_high = measured["interval"]
    interval = "none" if low_high is None else "[{:+.1f}, {:+.1f}]".format(*low_high)
    cells: Iterable[Any] = (
        Path(measured["data"]).name,
        measured["model"],
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
