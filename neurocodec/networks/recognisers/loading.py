"""Loading a recogniser by name, or from a .safetensors file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from neurocodec import files
from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.networks import checkpoint, devices
from neurocodec.networks.recognisers import architectures, efficientnet_lite
from neurocodec.networks.recognisers.graph import Graph
from neurocodec.networks.recognisers.preprocessing import (
    Preprocessing,
    from_description,
    input_size,
)
from neurocodec.networks.recognisers.recogniser import Recogniser

TUNED = "recogniser"
"""The kind of network, in a weights file, of a recogniser that `finetune-recogniser` wrote."""

_ENDING = ".safetensors"
_KINDS = {"segmentation": "segmentation", "keypoints": "pose"}  # by a word of a graph's `task`
_MOVENET_WEIGHT = "center_weight"  # of no operation: tasks/estimators.py computes it
_MAPS = {"segmentation": 21, "pose": 17}  # channels: VOC's classes, COCO's joints
_MOVENET = {"center": 1, "heatmap": 17, "regress": 34, "offset": 34}  # channels by head
_MAP = 4  # dimensions
_RANDOM = ":random"
_Parts = tuple[str, nn.Module, Preprocessing | None]


def load(model: str, device: str = "cpu") -> Recogniser:
    """Load a recogniser.

    Args:
        model: one of
            - NAME.safetensors, with a description in NAME.json beside it or in the file's metadata:
              either `ops`, a list of operations (see graph.py), with `input` (its preprocessing)
              and `output` or `heads`; or `arch`, torchvision's or timm's name, with
              `settings` for its function (num_classes, aux_loss) and `preprocessing` (see
              preprocessing.py) where they are not the library's own;
            - a file that `finetune-recogniser` wrote, which holds its description;
            - efficientnet_lite0, 1 or 2: the weights of the packages that are installed with this
              one;
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


def described(
    name: str,
    description: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    model_sha256: str = "",
) -> Recogniser:
    """Build a recogniser from its description, of `ops` or of an `arch`, and its tensors.

    Raises:
        UsageError, ValueError, TypeError, KeyError, AttributeError, RuntimeError: the tensors do
            not fit, or the description is incomplete.
    """
    parts = (_graph if "ops" in description else _architecture)(description, tensors)
    return Recogniser(name, *parts, model_sha256=model_sha256, description=description)


def _from_name(model: str) -> Recogniser:
    if model in efficientnet_lite.SIZES:
        return described(model, *efficientnet_lite.read(model))
    name = model.removesuffix(_RANDOM)
    arch = architectures.find(name)
    network = architectures.build(arch, {}, pretrained=name == model)
    return Recogniser(model, architectures.kind(arch), network, architectures.preprocessing(arch))


def _from_file(path: Path) -> Recogniser:
    if not path.is_file():
        raise MissingError(f"{path}: no such file: check the path of the recogniser")
    data = files.read(str(path))
    tensors, metadata = checkpoint.read_tensors(data, files.display(path))
    if metadata.get("network") == TUNED:
        tuned: Any = checkpoint.load(data, files.display(path)).network
        tensors, description = tuned.tensors(), tuned.config["description"]
        return described(path.stem, description, tensors, hashlib.sha256(data).hexdigest())
    description = _description(path, metadata)
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        return described(path.stem, description, tensors, sha256)
    except (UsageError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as exc:
        reason = " ".join(str(exc).split())[:300] or type(exc).__name__
        raise BadInputError(f"{path}: does not fit its description: {reason}") from exc


def _graph(description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> _Parts:
    kind = _graph_kind(description)
    levels = description.get("heads") or []
    levels = [levels] if isinstance(levels, Mapping) else levels
    heads = [name for level in levels for name in level.values()]
    used = {name: tensor for name, tensor in tensors.items() if name != _MOVENET_WEIGHT}
    graph = Graph(description["ops"], used, heads or [str(description.get("output", ""))])
    preprocessing = _graph_preprocessing(kind, description["input"])
    height, width = input_size(description["input"])
    with torch.inference_mode():  # a trial: the operations may not fit each other
        outputs = graph(torch.zeros(1, 3, height, width))
    for name, channels in _channels(kind, description).items():
        if outputs[name].ndim != _MAP or outputs[name].shape[1] != channels:
            raise ValueError(f"{name!r} is no map of {channels} channels")
    return kind, graph, preprocessing


def _channels(kind: str, description: Mapping[str, Any]) -> dict[str, int]:
    """What a network that makes maps must make, by the operation's name."""
    if kind not in _MAPS:
        return {}
    heads = description.get("heads")
    if not heads:
        return {description["output"]: _MAPS[kind]}
    if not isinstance(heads, Mapping) or _MOVENET.keys() - heads.keys():
        raise ValueError(f"its heads must name {', '.join(_MOVENET)}")
    return {heads[part]: channels for part, channels in _MOVENET.items()}


def _graph_kind(description: Mapping[str, Any]) -> str:
    """The task of a list of operations."""
    task = str(description.get("task", ""))
    named = [kind for word, kind in _KINDS.items() if word in task]
    return named[0] if named else "detection" if description.get("heads") else "classification"


def _graph_preprocessing(kind: str, described: Mapping[str, Any]) -> Preprocessing:
    if kind == "pose":  # it is shown people: tasks/estimators.py cuts them out
        return from_description({**described, "size": max(input_size(described))}, "native")
    if kind == "segmentation":
        return from_description({"pad": None, **described}, "letterbox")
    return from_description(described, "letterbox" if kind == "detection" else "crop")


def _architecture(description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> _Parts:
    arch = architectures.find(str(description["arch"]))
    network = architectures.build(arch, description.get("settings", {}))
    network.load_state_dict(tensors)
    if "preprocessing" in description:
        return architectures.kind(arch), network, from_description(description["preprocessing"])
    return architectures.kind(arch), network, architectures.preprocessing(arch)


def _description(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    beside = path.with_suffix(".json")
    try:
        if beside.is_file():
            description = files.parsed(beside.read_text(encoding="utf-8"))
        else:
            nested = {"settings", "preprocessing"}
            description = {k: files.parsed(v) if k in nested else v for k, v in metadata.items()}
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
