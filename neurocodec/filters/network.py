"""Trained networks as filters: loaded, checked, and run on tiles and batches."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import ClassVar

import numpy as np
import torch

from neurocodec import weights
from neurocodec.errors import MissingError, UsageError
from neurocodec.filters.filter import Filter
from neurocodec.images import Image, Plane
from neurocodec.networks import checkpoint, devices, memory
from neurocodec.networks.filter import FilterNetwork
from neurocodec.networks.tensors import to_images, to_tensor

# Of one call on a GPU: enough to keep it busy. On a processor a batch is no faster than its
# pictures one by one, and needs more memory.
_GPU_PIXELS = 1 << 20

Span = tuple[int, int]


class NetworkFilter(Filter):
    """A trained network as a filter; a subclass names its kind.

    Pictures larger than `tile` are filtered in tiles that overlap by as much as the network sees,
    so that the result is that of the whole picture.

    Args:
        weights: the name of installed weights, or the path of a .safetensors file.
        tile: side of a tile, in pixels; 0 is the network's own.
        batch: pictures of one size that go through the network together; 0 is one on a
            processor, and on a GPU as many as make a megapixel.
        device: "cpu", "cuda" or "auto".

    Attributes:
        kind: a key of checkpoint.NETWORKS.

    Raises:
        UsageError: a tile that is too small, a batch below 0, or no such device.
        MissingError: no such weights, or not of this kind.
        BadInputError: the weights file is damaged.
    """

    kind: ClassVar[str]

    def __init__(
        self, weights: str = "", tile: int = 0, batch: int = 0, device: str = "cpu"
    ) -> None:
        found = _found(self.kind, weights)
        assert isinstance(found.network, FilterNetwork)
        memory.keep()
        self._device = devices.resolve(device)
        self._network = found.network.to(self._device).to(memory_format=torch.channels_last)
        if 0 != tile < self._network.stride:
            raise UsageError(f"{self.kind}:tile is at least {self._network.stride}, not {tile}")
        self._tile = tile or self._network.tile
        if batch < 0:
            raise UsageError(f"{self.kind}:batch is at least 0, not {batch}")
        self._batch = batch
        self._qps: list[float] | None = found.made.get("qps")
        self.weights_sha256 = found.sha256

    def identity(self, qp: float) -> str:
        """The reason why pictures pass unchanged at that QP; "" where they are filtered."""
        if self._qps is None or self._qps[0] <= qp <= self._qps[1]:
            return ""
        lowest, highest = self._qps
        return f"{self.kind} knows QP {lowest} to {highest} only: outside it does not filter"

    def batches(self, qp: float) -> bool:
        """True if several pictures of one size are better handed in together."""
        together = self._batch > 1 or (self._batch == 0 and self._device.type != "cpu")
        return together and not self.identity(qp)

    def __call__(self, image: Image, qp: float) -> Image:
        """The filtered picture; unchanged where the network was not trained for the QP."""
        return self.filter_batch([image], qp)[0]

    @torch.inference_mode()
    def filter_batch(self, images: Sequence[Image], qp: float) -> list[Image]:
        """The filtered pictures, all of one size, to within one level of `__call__`'s."""
        if self.identity(qp):
            return list(images)
        results = [np.empty_like(image.pixels) for image in images]
        height, width = images[0].height, images[0].width
        for (rows, seen_rows), (columns, seen_columns) in product(
            self._spans(height), self._spans(width)
        ):
            window = slice(*seen_rows), slice(*seen_columns)
            cores = self._filtered([_cut(image, window) for image in images], qp)
            top, left = rows[0] - seen_rows[0], columns[0] - seen_columns[0]
            size = rows[1] - rows[0], columns[1] - columns[0]
            for result, core in zip(results, cores, strict=True):
                part = core[top : top + size[0], left : left + size[1]]
                result[slice(*rows), slice(*columns)] = part
        return [replace(image, pixels=own) for image, own in zip(images, results, strict=True)]

    def _filtered(self, parts: Sequence[Image], qp: float) -> Iterator[Plane]:
        """The parts through the network, so many together as the batch is."""
        on_gpu = max(1, _GPU_PIXELS // parts[0].pixels[..., 0].size)
        count = self._batch or (1 if self._device.type == "cpu" else on_gpu)
        # On a GPU a convolution may else round to TF32, whose 10 bits are a quarter of a level.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            for start in range(0, len(parts), count):
                some = parts[start : start + count]
                filtered = self._network(to_tensor(some, self._device), qp)
                yield from (image.pixels for image in to_images(filtered, some))

    def _spans(self, side: int) -> Iterator[tuple[Span, Span]]:
        """Every tile's own part of a side, and the part that the network is shown for it.

        All tiles are alike in size: memory that one leaves fits the next, and none is a sliver.
        """
        stride = self._network.stride
        margin = _up(self._network.reach, stride)
        tile = _up(-(-side // -(-side // (self._tile // stride * stride))), stride)
        last = max(0, _up(side - tile - 2 * margin, stride))
        for start in range(0, side, tile):
            seen = min(max(0, start - margin), last)
            yield (start, min(start + tile, side)), (seen, min(seen + tile + 2 * margin, side))


def _cut(image: Image, window: tuple[slice, slice]) -> Image:
    return Image(image.pixels[window], gray=image.gray)


def _up(length: int, stride: int) -> int:
    """The next multiple of the stride."""
    return -(-length // stride) * stride


def _found(kind: str, name: str) -> checkpoint.Checkpoint:
    if not name:
        known = ", ".join(weights.installed()) or "none is installed yet"
        raise MissingError(f"{kind} needs weights: write {kind}:weights=NAME or FILE ({known})")
    read = weights.read(name)
    found = checkpoint.load(read.data, read.name)
    if found.kind != kind:
        raise MissingError(f"weights {read.name} are for {found.kind}, not {kind}")
    return found


class Npp(NetworkFilter):
    """NPP, the neural preprocessor: x̄ = npp(x, QP) (networks/npp.py)."""

    kind = "npp"


class Tv(NetworkFilter):
    """The TV pre-transform: x' = tv(x), the same at every QP (networks/tv.py)."""

    kind = "tv"


class SegNet(NetworkFilter):
    """Palacio+: x' = segnet(x), the same at every QP (networks/segnet.py)."""

    kind = "segnet"
