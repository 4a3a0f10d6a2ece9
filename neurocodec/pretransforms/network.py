"""What every filter that is a trained network does alike: load, check, tile."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import ClassVar

import numpy as np
import torch

from neurocodec import weights
from neurocodec.errors import MissingError, UsageError
from neurocodec.images import Image
from neurocodec.networks import checkpoint, devices, memory
from neurocodec.networks.filter import FilterNetwork
from neurocodec.networks.tensors import to_images, to_tensor

Span = tuple[int, int]


class NetworkFilter:
    """A trained network as a filter; a subclass says of which kind.

    Pictures larger than `tile` are filtered in tiles that overlap by as much as the network sees,
    so that the result is that of the whole picture.

    Attributes:
        kind: a key of checkpoint.NETWORKS.
        weights_sha256: of the weights file.
    """

    kind: ClassVar[str]

    def __init__(self, weights: str = "", tile: int = 768, device: str = "cpu") -> None:
        """Load the network.

        Args:
            weights: the name of installed weights, or the path of a .safetensors file.
            tile: side of a tile, in pixels.
            device: "cpu", "cuda" or "auto".

        Raises:
            UsageError: a tile that is too small, or no such device.
            MissingError: no such weights, or not of this kind.
            BadInputError: the weights file is damaged.
        """
        found = _found(self.kind, weights)
        assert isinstance(found.network, FilterNetwork)
        memory.keep()
        self._device = devices.resolve(device)
        self._network = found.network.to(self._device).to(memory_format=torch.channels_last)
        self._tile = tile // self._network.stride * self._network.stride
        if self._tile < 1:
            raise UsageError(f"{self.kind}:tile is at least {self._network.stride}, not {tile}")
        self._qps: list[float] | None = found.made.get("qps")
        self.weights_sha256 = found.sha256

    def unfiltered(self, qp: float) -> str:
        """Why pictures pass unchanged at that QP; "" where they are filtered."""
        if self._qps is None or self._qps[0] <= qp <= self._qps[1]:
            return ""
        lowest, highest = self._qps
        return f"{self.kind} knows QP {lowest} to {highest} only: outside it does not filter"

    @torch.inference_mode()
    def __call__(self, image: Image, qp: float) -> Image:
        """The filtered picture; the given one where the network was not trained for the QP."""
        if self.unfiltered(qp):
            return image
        pixels = np.empty_like(image.pixels)
        margin = -(-self._network.reach // self._network.stride) * self._network.stride
        spans = (_spans(side, self._tile, margin) for side in (image.height, image.width))
        for ((top, bottom), rows), ((left, right), columns) in product(*spans):
            part = Image(image.pixels[slice(*rows), slice(*columns)], gray=image.gray)
            filtered = to_images(self._network(to_tensor([part], self._device), qp), [part])[0]
            core = filtered.pixels[top - rows[0] : bottom - rows[0], left - columns[0] :]
            pixels[top:bottom, left:right] = core[:, : right - left]
        return replace(image, pixels=pixels)


def _found(kind: str, name: str) -> checkpoint.Checkpoint:
    if not name:
        known = ", ".join(weights.installed()) or "none is installed yet"
        raise MissingError(f"{kind} needs weights: write {kind}:weights=NAME or FILE ({known})")
    read = weights.read(name)
    found = checkpoint.load(read.data, read.name)
    if found.kind != kind:
        raise MissingError(f"weights {read.name} are for {found.kind}, not {kind}")
    return found


def _spans(side: int, tile: int, margin: int) -> Iterator[tuple[Span, Span]]:
    """Every tile's own part of a side, and the part that it needs to see."""
    for start in range(0, side, tile):
        end = min(start + tile, side)
        yield (start, end), (max(0, start - margin), min(end + margin, side))
