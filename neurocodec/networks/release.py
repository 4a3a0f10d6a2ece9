"""Install a trained network under a name: its file, its manifest entry and its card."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from neurocodec import files, weights
from neurocodec.errors import BadInputError, UsageError
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


def add(
    path: Path,
    name: str,
    facts: Mapping[str, Any] | None = None,
    automatic: Sequence[str] = (),
    half: bool = False,
) -> Path:
    """Put a weights file into the folder of weights, replacing the one of that name.

    Args:
        path: of the weights file.
        name: of the weights: a file name without its ending.
        facts: for the card, beside those in the file: "commit" of the program that trained it, one
            more paragraph as "note", and "measured", objects that `bdrate --json` printed.
        automatic: the codecs whose `--filter auto` becomes this filter.
        half: store float16.

    Returns:
        The path of the installed file.

    Raises:
        UsageError: a name that cannot be used, or a network that is no filter for `--filter auto`.
        BadInputError: the file cannot be read, or holds no network of this program.
        MissingError: the manifest is damaged.
        OutputError: the folder cannot be written.
    """
    _refuse_odd_name(name)
    data = files.read(str(path))
    trained = checkpoint.load(data, files.display(path))
    if half:
        data = _halved(trained, files.display(path))
    folder = weights.folder()
    files.make_folder(folder)
    auto = _automatic(trained, name, {*automatic, *weights.automatic_for(name)})
    replaced = weights.installed().get(name, {}).get("file")
    target = folder / f"{name}.safetensors"
    if target.name == replaced and target.exists() and target.read_bytes() != data:
        # The file that the manifest means stays as it is until the manifest means the new one.
        target = folder / f"{name}-{hashlib.sha256(data).hexdigest()[:8]}.safetensors"
    entry = {**_entry(trained, data), **(facts or {}), "file": target.name}
    files.write(str(target), data)
    text = card(name, entry)
    files.write(str(folder / f"{name}.md"), text.encode(errors="backslashreplace"))
    weights.enter(name, entry, auto)
    if replaced not in {None, target.name}:
        (folder / replaced).unlink(missing_ok=True)
    return target


def measurements(path: Path) -> list[dict[str, Any]]:
    """Read a file of lines that `bdrate --json` printed.

    Raises:
        BadInputError: the file cannot be read, or a line is something else.
    """
    try:
        lines = [files.parsed(line) for line in files.read(str(path)).splitlines() if line.strip()]
        for line in lines:
            _row(line)
    except (ValueError, TypeError, LookupError, AttributeError) as exc:
        name = files.display(path)
        raise BadInputError(f"{name} is not the output of bdrate --json ({exc!r})") from exc
    return lines


def card(name: str, entry: Mapping[str, Any]) -> str:
    """Write the card of a manifest entry, in Markdown."""
    facts = [f"- {key}: {_text(entry[key])}" for key in _FACTS if entry.get(key)]
    parts = [f"# {name}", "\n".join(facts), entry.get("note", "")]
    if entry.get("measured"):
        parts.append("\n".join([_HEAD, *map(_row, entry["measured"])]))
    return "\n\n".join(filter(None, parts)) + "\n"


def _refuse_odd_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a name of weights: use letters, digits, hyphens, _ and dots"
        )
    if (weights.folder() / f"{name}.md").exists() and name not in weights.installed():
        raise UsageError(f"{name}.md exists and is not a card: choose another name than {name!r}")


def _automatic(trained: checkpoint.Checkpoint, name: str, codecs: set[str]) -> dict[str, str]:
    """Return the filter for `--filter auto`, by codec."""
    if codecs and not isinstance(trained.network, FilterNetwork):
        raise UsageError(
            f"a {trained.kind} is not a filter: it cannot serve --filter auto of "
            f"{', '.join(sorted(codecs))}"
        )
    return dict.fromkeys(codecs, f"{trained.kind}:weights={name}")


def _halved(trained: checkpoint.Checkpoint, name: str) -> bytes:
    network = trained.network.to(torch.float16)
    if not all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values()):
        raise BadInputError(f"{name} has weights beyond 16-bit floats: leave out --half")
    return checkpoint.dump(network, trained.kind, trained.made)


def _entry(trained: checkpoint.Checkpoint, data: bytes) -> dict[str, Any]:
    config = trained.made.get("config")
    settings = config if isinstance(config, dict) else {}
    return {
        **{key: trained.made[key] for key in _FACTS if key in trained.made},
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "network": trained.kind,
        "architecture": json.dumps(_architecture(getattr(trained.network, "config", {}))),
        "data": settings.get("data", ""),
        "command": settings.get("command", ""),
    }


def _row(measured: Mapping[str, Any]) -> str:
    low_high = "none"
    if measured["interval"] is not None:
        low, high = measured["interval"]
        low_high = f"[{low:+.1f}, {high:+.1f}]".replace("-", "−")
    rate = f"{measured['bd_rate_percent']:+.1f} %".replace("-", "−")
    names = [measured[key] for key in ("model", "anchor", "test", "metric")]
    cells = [Path(measured["data"]).name, *names, rate, low_high, measured["pictures"]]
    return "| " + " | ".join(map(str, cells)) + " |"


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _architecture(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a network; of a recogniser in it only the number of operations."""
    recogniser = config.get("recogniser")
    if not recogniser:
        return dict(config)
    short = {"layer": recogniser["layer"], "operations": len(recogniser["ops"])}
    return {**config, "recogniser": short}
