"""Tiny recognisers written to disk, as a user would have them."""

import json
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
    """Random weights and biases for every convolution."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for op in ops:
        if op["op"] == "conv":
            inner = op["in_channels"] // op["groups"]
            shape = (op["out_channels"], inner, op["kernel"], op["kernel"])
            tensors[f"{op['name']}.weight"] = torch.randn(shape, generator=generator) / inner
            tensors[f"{op['name']}.bias"] = torch.randn(shape[0], generator=generator)
    return tensors


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
