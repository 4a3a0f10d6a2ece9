"""Loading a recogniser by name, or from a .safetensors file."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.networks import devices
from neurocodec.networks.recognisers import architectures
from neurocodec.networks.recognisers.graph import Graph
from neurocodec.networks.recognisers.preprocessing import Preprocessing, from_description
from neurocodec.networks.recognisers.recogniser import Recogniser

_ENDING = ".safetensors"
_RANDOM = ":random"
_PICKLES = re.compile(r"[/\\]|\.(pth?|ckpt|bin|pkl|onnx|tflite)$")


def load(model: str, device: str = "cpu") -> Recogniser:
    """Load a recogniser.

    Args:
        model: one of
            - NAME.safetensors, with a description in NAME.json beside it or in the file's metadata:
              either `ops`, a list of operations (see graph.py), with `input` (its preprocessing)
              and `output` or `heads`; or `arch`, torchvision's or timm's name, with
              `settings` for its function (num_classes, aux_loss) and `preprocessing` (see
              preprocessing.py) where they are not the library's own;
            - torchvision's or timm's name (with or without "timm:"): the published weights;
            - either of these and ":random": random weights, the same every time, for trials.
        device: "cpu", "cuda" or "auto".

    Raises:
        UsageError: unknown name or device.
        MissingError: a file is not there, or weights or timm cannot be had.
        BadInputError: the file or its description is damaged, or one does not fit the other.
    """
    target = devices.resolve(device)
    recogniser = _from_file(Path(model)) if model.endswith(_ENDING) else _from_name(model)
    return recogniser.to(target)


def _from_name(model: str) -> Recogniser:
    name = model.removesuffix(_RANDOM)
    if _PICKLES.search(name):
        raise UsageError(f"{model}: not a recogniser: write a name or a {_ENDING} file")
    arch = architectures.find(name)
    random = model.endswith(_RANDOM)
    network = architectures.untrained(arch, {}) if random else architectures.pretrained(arch)
    return Recogniser(model, architectures.kind(arch), network, architectures.preprocessing(arch))


def _from_file(path: Path) -> Recogniser:
    data = _bytes(path)
    tensors, metadata = _contents(data, path)
    description = _description(path, metadata)
    build = _graph if "ops" in description else _architecture
    try:
        return build(path, description, tensors, hashlib.sha256(data).hexdigest())
    except (UsageError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as exc:
        lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
        reason = " ".join(lines)[:300] or type(exc).__name__
        raise BadInputError(f"{path}: does not fit its description: {reason}") from exc


def _graph(
    path: Path, description: Mapping[str, Any], tensors: Mapping[str, Tensor], sha256: str
) -> Recogniser:
    heads = [name for level in description.get("heads", []) for name in level.values()]
    outputs = heads or [str(description.get("output", ""))]
    graph = Graph(description["ops"], tensors, outputs)
    preprocessing = from_description(description["input"], "letterbox" if heads else "crop")
    kind = "detection" if heads else "classification"
    recogniser = Recogniser(
        path.stem, kind, graph, preprocessing, model_sha256=sha256, description=description
    )
    with torch.inference_mode():
        recogniser(torch.zeros(1, 3, preprocessing.size, preprocessing.size))
    return recogniser


def _architecture(
    path: Path, description: Mapping[str, Any], tensors: Mapping[str, Tensor], sha256: str
) -> Recogniser:
    arch = architectures.find(str(description["arch"]))
    network = architectures.untrained(arch, description.get("settings", {}))
    network.load_state_dict(tensors, strict=True)
    if "preprocessing" in description:
        preprocessing: Preprocessing | None = from_description(description["preprocessing"], "crop")
    else:
        preprocessing = architectures.preprocessing(arch)
    return Recogniser(
        path.stem,
        architectures.kind(arch),
        network,
        preprocessing,
        model_sha256=sha256,
        description=description,
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise MissingError(f"{path}: no such file: check the path of the recogniser") from None
    except OSError as exc:
        raise MissingError(f"{path}: cannot be read ({exc.strerror}): check the path") from exc


def _contents(data: bytes, path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        tensors = safetensors.torch.load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (SafetensorError, ValueError, KeyError) as exc:
        raise BadInputError(f"{path}: not a safetensors file, or a truncated one ({exc})") from exc
    return tensors, header.get("__metadata__", {})


def _description(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    beside = path.with_suffix(".json")
    try:
        if beside.is_file():
            description = json.loads(beside.read_text(encoding="utf-8"))
        else:
            description = {key: _metadata_value(key, text) for key, text in metadata.items()}
    except (OSError, ValueError) as exc:
        raise BadInputError(f"{beside}: cannot be read as JSON ({exc})") from exc
    if not isinstance(description, dict):
        raise BadInputError(f"{beside}: must hold a JSON object")
    if "arch" not in description and "ops" not in description:
        raise MissingError(
            f'{path}: its architecture is unknown: write {{"arch": "mobilenet_v2"}} (or '
            f"another) into {beside.name} beside it"
        )
    return description


def _metadata_value(key: str, text: str) -> Any:
    return json.loads(text) if key in ("settings", "preprocessing") else text
