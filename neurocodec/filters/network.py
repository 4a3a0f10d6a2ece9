"""Trained networks as filters: loaded, checked, and run on tiles and batches."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import ClassVar

import numpy as np
import torch

from neurocodec.errors import MissingError, UsageError
from neurocodec.filters.filter import Filter
from neurocodec.filters.tiles import Span, spans
from neurocodec.images import Image, Plane
from neurocodec.networks import checkpoint, devices
from neurocodec.networks.filter import FilterNetwork
from neurocodec.networks.tensors import to_images, to_tensor

# Of one call on a GPU: enough to keep it busy. On a processor a batch is no faster than its
# pictures one by one, and needs more memory.
_GPU_PIXELS = 1 << 20


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

    Raises:
        UsageError: a tile that is too small, a batch below 0, or no such device.
        MissingError: no such weights, or not of this kind.
        BadInputError: the weights file is damaged.
    """

    kind: ClassVar[str]  # a key of checkpoint.NETWORKS

    def __init__(
        self, weights: str = "", tile: int = 0, batch: int = 0, device: str = "cpu"
    ) -> None:
        if not weights:
            raise MissingError(f"{self.kind} needs weights: write {self.kind}:weights=NAME or FILE")
        network, stored = checkpoint.read(weights, FilterNetwork, "filter")
        if stored.kind != self.kind:
            raise MissingError(f"weights {weights} are for {stored.kind}, not {self.kind}")
        devices.keep_memory()
        self._device = devices.resolve(device)
        self._network = network.to(self._device).to(memory_format=torch.channels_last)
        if 0 != tile < self._network.stride:
            raise UsageError(f"{self.kind}:tile is at least {self._network.stride}, not {tile}")
        self._tile = tile or self._network.tile
        if batch < 0:
            raise UsageError(f"{self.kind}:batch is at least 0, not {batch}")
        self._batch = batch or (1 if self._device.type == "cpu" else 0)
        self.weights_sha256 = stored.sha256
        self.device_type = self._device.type
        if "qps" in stored.made:
            lowest, highest = stored.made["qps"]
            self.qps = (lowest, highest)

    def batches(self, qp: float) -> bool:
        """Tell whether several pictures of one size are better handed in together."""
        return self._batch != 1 and not self.identity(qp)

    def __call__(self, image: Image, qp: float) -> Image:
        """Filter a picture; it is unchanged where the network was not trained for the QP."""
        return self.filter_batch([image], qp)[0]

    @torch.inference_mode()
    def filter_batch(self, images: Sequence[Image], qp: float) -> list[Image]:
        """Filter pictures, all of one size, to within one level of `__call__`."""
        if self.identity(qp):
            return list(images)
        results = [np.empty_like(image.pixels) for image in images]
        rows, columns = self._spans(images[0].height), self._spans(images[0].width)
        for y, x in product(rows, columns):
            windows = [Image(image.pixels[y.shown, x.shown], gray=image.gray) for image in images]
            for result, window in zip(results, self._filtered(windows, qp), strict=True):
                result[y.tile, x.tile] = window[y.part, x.part]
        return [replace(image, pixels=p) for image, p in zip(images, results, strict=True)]

    def _filtered(self, windows: Sequence[Image], qp: float) -> Iterator[Plane]:
        """Filter pictures of one size, as many together as the batch is."""
        count = self._batch or max(1, _GPU_PIXELS // windows[0].pixels[..., 0].size)
        # On a GPU a convolution may else round to TF32, whose 10 bits are a quarter of a level.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            for start in range(0, len(windows), count):
                some = windows[start : start + count]
                filtered = self._run(to_tensor(some, self._device), qp)
                yield from (image.pixels for image in to_images(filtered, some))

    def _run(self, x: torch.Tensor, qp: float) -> torch.Tensor:
        filtered: torch.Tensor = self._network(x, qp)
        return filtered

    def _spans(self, side: int) -> list[Span]:
        return spans(side, self._tile, self._network.reach, self._network.stride)


class Npp(NetworkFilter):
    """NPP, the neural preprocessor: x̄ = npp(x, QP) (networks/npp.py)."""

    kind = "npp"


class Tv(NetworkFilter):
    """The TV pre-transform: x' = tv(x, λ), the same at every QP (networks/tv.py).

    Args:
        weights: as for `NetworkFilter`.
        lmbda: λ, for weights trained for a range of it; 0 is the middle of the range.
        tile: as for `NetworkFilter`, as are those that follow.
        batch: pictures of one size at once.
        device: "cpu", "cuda" or "auto".

    Raises:
        UsageError: also for a λ that the weights do not adapt to.
    """

    kind = "tv"

    def __init__(
        self,
        weights: str = "",
        lmbda: float = 0.0,
        tile: int = 0,
        batch: int = 0,
        device: str = "cpu",
    ) -> None:
        super().__init__(weights, tile, batch, device)
        self._lmbda = lmbda or None
        self._run(torch.zeros(1, 3, 8, 8, device=self._device), 0.0)  # it refuses a λ

    def _run(self, x: torch.Tensor, qp: float) -> torch.Tensor:
        filtered: torch.Tensor = self._network(x, qp, self._lmbda)
        return filtered


class SegNet(NetworkFilter):
    """Palacio+: x' = segnet(x), the same at every QP (networks/segnet.py)."""

    kind = "segnet"
