"""Tiny recognisers written to disk, as a user would have them."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

Op = dict[str, Any]


def conv(name: str, read: str, channels: tuple[int, int], **changes: Any) -> Op:
    """A 3×3 convolution of stride 1 that keeps the size, but for `changes`."""
    return {
        "op": "conv",
        "name": name,
        "input": read,
        "in_channels": channels[0],
        "out_channels": channels[1],
        "kernel": 3,
        "stride": 1,
        "pad": [1, 1, 1, 1],
        "groups": 1,
        "act": "none",
        **changes,
    }


def weights(ops: Sequence[Op], seed: int = 0) -> dict[str, Tensor]:
    """Random weights and biases for every operation that has some."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for op in ops:
        for part, shape in _shapes(op).items():
            fan = math.prod(shape[1:2])
            tensors[f"{op['name']}.{part}"] = torch.randn(shape, generator=generator) / fan
    return tensors


def _shapes(op: Op) -> dict[str, tuple[int, ...]]:
    if op["op"] == "group_norm":
        return {"weight": (op["channels"],), "bias": (op["channels"],)}
    if op["op"] not in ("conv", "deconv"):
        return {}
    outer, inner = op["out_channels"], op["in_channels"]
    if op["op"] == "deconv":
        outer, inner = inner, outer
    kernel = (op["kernel"], op["kernel"])
    weight = (outer, inner // op["groups"], *kernel)
    return {"weight": weight, "bias": (op["out_channels"],)}


CLASSIFIER_OPS = [
    conv("stem", "input", (3, 8), stride=2, pad=[0, 1, 0, 1], act="relu6"),
    {"op": "global_avgpool", "name": "pool", "input": "stem"},
    conv("logits", "pool", (8, 10), kernel=1, pad=[0, 0, 0, 0]),
]
CLASSIFIER: dict[str, Any] = {
    "input": {"size": 16, "channels": "BGR", "sub": [104, 117, 123], "mul": 0.01},
    "output": "logits",
    "ops": CLASSIFIER_OPS,
}


def write(
    folder: Path, description: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None
) -> Path:
    """NAME.safetensors and NAME.json in the folder; the weights fit CLASSIFIER unless given."""
    path = folder / "tiny.net.safetensors"
    save_file(dict(weights(CLASSIFIER_OPS) if tensors is None else tensors), path)
    path.with_suffix(".json").write_text(json.dumps(description))
    return path


def write_sensitive(folder: Path) -> Path:
    """A classifier whose prediction a coarse codec changes: CLASSIFIER with steep logits."""
    tensors = weights(CLASSIFIER_OPS)
    return write(folder, CLASSIFIER, tensors | {"logits.weight": 100 * tensors["logits.weight"]})
