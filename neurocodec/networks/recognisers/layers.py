"""The operations of a network that is described by a list, as layers.

conv: zero padding by `pad` = [left, right, top, bottom], a convolution of `kernel`, `stride`,
`groups` and `dilation`, then `act`; deconv: torch's transposed convolution of `kernel`, `stride`,
`padding`, `output_padding` and `groups`, then `act`; add; concat (of channels); slice (channels
`start` to before `end`); shuffle (channels of `groups` interleaved); group_norm (`groups`, `eps`);
maxpool; global_avgpool; upsample2_nearest; resize_bilinear (`size` [h, w] or `scale`,
`align_corners`, `half_pixel`); focus (space to depth by 2). `act` is none, relu, relu6, silu,
sigmoid or leaky0.1.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.errors import BadInputError
from neurocodec.networks.precision import exact

_MOST_PADDING = 1 << 10
_LARGEST = 1 << 28  # samples of a map that an operation may make of a smaller one

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "leaky0.1": partial(nn.LeakyReLU, 0.1),
}


def _convolution(
    kind: type[nn.Conv2d] | type[nn.ConvTranspose2d],
    op: Mapping[str, Any],
    tensors: dict[str, Tensor],
    **settings: Any,
) -> Any:
    sizes = [op[key] for key in ("in_channels", "out_channels", "kernel", "stride")]
    # Without memory, and without the numbers that would be drawn for it.
    make: Callable[..., nn.Module] = partial(kind, device="meta")
    layer = make(*sizes, groups=op["groups"], **settings)
    return _loaded(layer, op["name"], tensors)


def _loaded(layer: nn.Module, name: str, tensors: dict[str, Tensor]) -> nn.Module:
    """A layer with its weight and bias, taken out of `tensors`."""
    own = {part: tensors.pop(f"{name}.{part}").float() for part in ("weight", "bias")}
    layer.load_state_dict(own, assign=True)
    return layer


class _Conv(nn.Module):
    def __init__(self, op: Mapping[str, Any], tensors: dict[str, Tensor]) -> None:
        super().__init__()
        left, right, top, bottom = op["pad"]
        if max(op["pad"]) > _MOST_PADDING:
            raise ValueError(f"it pads by more than {_MOST_PADDING}")
        even = left == right and top == bottom
        self.edges = (0, 0, 0, 0) if even else (left, right, top, bottom)
        padding, dilation = (top, left) if even else 0, op.get("dilation", 1)
        self.conv: nn.Conv2d = _convolution(
            nn.Conv2d, op, tensors, padding=padding, dilation=dilation
        )
        self.act = _ACTIVATIONS[op["act"]]()
        depthwise = self.conv.groups == self.conv.in_channels
        self._strided_depthwise = depthwise and self.conv.stride != (1, 1)

    def forward(self, x: Tensor) -> Tensor:
        padded = functional.pad(x, self.edges) if any(self.edges) else x
        # In bfloat16 a processor takes twenty times as long for the gradient of such a convolution.
        convolved = exact(self.conv, padded) if self._strided_depthwise else self.conv(padded)
        result: Tensor = self.act(convolved)
        return result


class _Deconv(nn.Module):
    def __init__(self, op: Mapping[str, Any], tensors: dict[str, Tensor]) -> None:
        super().__init__()
        padding, beyond = op["padding"], op.get("output_padding", 0)
        self.conv: nn.ConvTranspose2d = _convolution(
            nn.ConvTranspose2d, op, tensors, padding=padding, output_padding=beyond
        )
        self.act = _ACTIVATIONS[op["act"]]()

    def forward(self, x: Tensor) -> Tensor:
        down, across = self.conv.stride
        _bounded(x, (x.shape[2] * int(down), x.shape[3] * int(across)), self.conv.out_channels)
        result: Tensor = self.act(self.conv(x))
        return result


class _Resize(nn.Module):
    """Bilinear; without `align_corners` and `half_pixel` by TensorFlow's first rule.

    That rule takes place n/m·dst of the source, between it and the next one, which is the last one
    again at the end.
    """

    def __init__(self, op: Mapping[str, Any]) -> None:
        super().__init__()
        if ("size" in op) == ("scale" in op):
            raise ValueError("it has one of size and scale")
        self._size = [int(side) for side in op["size"]] if "size" in op else None
        self._scale = float(op.get("scale", 1))
        if min(self._size or [1]) < 1 or not 0 < self._scale <= 1 << 10:
            raise ValueError("its size is out of range")
        self._align, self._centred = bool(op["align_corners"]), bool(op["half_pixel"])

    def forward(self, x: Tensor) -> Tensor:
        size = self._size or [max(1, int(side * self._scale)) for side in x.shape[2:]]
        _bounded(x, (size[0], size[1]), x.shape[1])
        if self._align or self._centred:
            return functional.interpolate(x, size, mode="bilinear", align_corners=self._align)
        return _by_first_rule(_by_first_rule(x, 2, size[0]), 3, size[1])


def _by_first_rule(x: Tensor, axis: int, size: int) -> Tensor:
    length = x.shape[axis]
    place = torch.arange(size, dtype=torch.float32, device=x.device) * (length / size)
    below = place.floor().long().clamp_max(length - 1)
    above = (below + 1).clamp_max(length - 1)
    share = (place - below).to(x.dtype).reshape([-1 if one == axis else 1 for one in range(4)])
    return torch.lerp(x.index_select(axis, below), x.index_select(axis, above), share)


def _bounded(x: Tensor, size: tuple[int, int], channels: int) -> None:
    """Refuse a map that is too large, before its memory is taken."""
    if x.shape[0] * channels * size[0] * size[1] > max(_LARGEST, x.numel()):
        raise BadInputError(
            f"the recogniser would make a map of {channels}×{size[0]}×{size[1]} samples: "
            "its description is damaged, or its input too large"
        )


class _Function(nn.Module):
    """A function of tensors as a layer, which can have hooks."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self._function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self._function(*inputs)


def _slice(op: Mapping[str, Any]) -> nn.Module:
    start, end = int(op["start"]), int(op["end"])
    if not 0 <= start < end:
        raise ValueError("its channels are out of range")

    def cut(x: Tensor) -> Tensor:
        if end > x.shape[1]:
            raise BadInputError(f"the recogniser cuts channel {end - 1} out of {x.shape[1]}")
        return x[:, start:end]

    return _Function(cut)


def _focus(x: Tensor) -> Tensor:
    quarters = [x[..., row::2, column::2] for column in (0, 1) for row in (0, 1)]
    return torch.cat(quarters, dim=1)


def _group_norm(op: Mapping[str, Any], tensors: dict[str, Tensor]) -> nn.Module:
    channels = len(tensors[f"{op['name']}.weight"])
    layer = nn.GroupNorm(op["groups"], channels, op.get("eps", 1e-5))
    return _loaded(layer, op["name"], tensors)


LAYERS: dict[str, Callable[[Mapping[str, Any], dict[str, Tensor]], nn.Module]] = {
    "conv": _Conv,
    "deconv": _Deconv,
    "add": lambda op, tensors: _Function(torch.add),
    "concat": lambda op, tensors: _Function(lambda *inputs: torch.cat(inputs, dim=1)),
    "slice": lambda op, tensors: _slice(op),
    "shuffle": lambda op, tensors: nn.ChannelShuffle(op["groups"]),
    "group_norm": _group_norm,
    "maxpool": lambda op, tensors: nn.MaxPool2d(
        op["kernel"], op["stride"], op["padding"], ceil_mode=op["ceil_mode"]
    ),
    "global_avgpool": lambda op, tensors: nn.AdaptiveAvgPool2d(1),
    "upsample2_nearest": lambda op, tensors: nn.Upsample(scale_factor=2, mode="nearest"),
    "resize_bilinear": lambda op, tensors: _Resize(op),
    "focus": lambda op, tensors: _Function(_focus),
}
