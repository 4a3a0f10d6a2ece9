"""Lists of operations that segment or find joints, tiny, in files."""

import json

import torch
from safetensors.torch import save_file


def conv(name, read, kernel):
    """A 1×1 convolution, and its weights, from a matrix (out, in)."""
    matrix = torch.tensor(kernel)
    out, into = matrix.shape
    op = {"op": "conv", "name": name, "input": read, "kernel": 1, "stride": 1, "pad": [0] * 4}
    op |= {"act": "none", "groups": 1, "in_channels": into, "out_channels": out}
    return op, {f"{name}.weight": matrix[..., None, None], f"{name}.bias": torch.zeros(out)}


def write(folder, description, parts):
    path = folder / "made.safetensors"
    save_file({name: tensor for _, tensors in parts for name, tensor in tensors.items()}, path)
    ops = [op for op, _ in parts]
    path.with_suffix(".json").write_text(json.dumps({**description, "ops": ops}))
    return str(path)


def colours(folder):
    """Segments by colour: VOC's classes 1 and 2 are green and blue."""
    kernel = [[0.1, 0.1, 0.1], [0, 1.0, 0], [0, 0, 1.0], *[[0.0] * 3] * 18]
    description = {
        "task": "semantic segmentation",
        "input": {"size": 33, "sub": 128, "mul": 1 / 128},
        "output": "classes",
    }
    return write(folder, description, [conv("classes", "input", kernel)])


def spots(folder):
    """All 17 joints are where it is brightest."""
    description = {
        "task": "single-person keypoints (top-down)",
        "input": {"size": [64, 48]},
        "output": "maps",
    }
    return write(folder, description, [conv("maps", "input", [[1.0, 1, 1]] * 17)])


def movenet(folder):
    """Heads of MoveNet's form: joints expected one cell right of the middle, half a cell beyond."""
    brightness = [[1.0, 1, 1]]
    parts = [
        conv("centre", "input", brightness),
        conv("heat", "input", brightness * 17),
        conv("regress", "input", [[0.0, 0, 0]] * 34),
        conv("offset", "input", [[0.0, 0, 0]] * 34),
    ]
    parts[2][1]["regress.bias"][1::2] = 1.0  # dx
    parts[3][1]["offset.bias"][1::2] = 0.5
    parts[0][1]["center_weight"] = torch.ones(1, 1, 48, 48)  # of no operation
    heads = {"center": "centre", "heatmap": "heat", "regress": "regress", "offset": "offset"}
    description = {
        "task": "single-person keypoints",
        "input": {"size": 48, "sub": 127.5, "mul": 1 / 127.5},
        "heads": heads,
    }
    return write(folder, description, parts)
