"""A real BD-rate on pictures kept apart from training, small enough to ask for often."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from neurocodec.errors import NotComparableError
from neurocodec.evaluation.bd_rate import bd_rate
from neurocodec.evaluation.results import Point, Setup
from neurocodec.evaluation.selection import Curve
from neurocodec.images import Image
from neurocodec.networks.tensors import to_images, to_tensor
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.distances import Distance
from neurocodec.training.exchange import mean_distance
from neurocodec.training.state import Record

QPS = (28, 31, 34, 37, 41)
_BATCH = 8
_SETUP = Setup(
    data="validation",
    pictures=0,
    pictures_sha256="",
    task="",
    model="",
    model_sha256="",
    codec="",
    encoder="",
    chroma="",
    pre="none",
    weights_sha256="",
    neurocodec="",
)

Points = dict[str, list[Point]]


class Validation:
    """BD-rate(kl) of codec + filter against the codec alone, for every recogniser."""

    def __init__(
        self,
        pool: CodecPool,
        distances: Mapping[str, Distance],
        images: Sequence[Image],
        device: torch.device,
    ) -> None:
        """Say on what.

        Args:
            pool: the codec.
            distances: D_m by recogniser.
            images: of one size.
            device: that the networks compute on.
        """
        self._pool = pool
        self._distances = distances
        self._images = list(images)
        self._device = device
        self._plain: Points | None = None

    def __call__(self, network: nn.Module) -> Record:
        """{"bd_rate.RECOGNISER": per cent}; a recogniser is left out where no BD-rate exists."""
        if not self._images:
            return {}
        if self._plain is None:
            self._plain = self._measured(None)
        filtered = self._measured(network)
        found = {}
        for name, anchor in self._plain.items():
            try:
                compared = bd_rate(
                    _curve(anchor, "none"), _curve(filtered[name], "npp"), "d_m", replicates=0
                )
            except NotComparableError:
                continue
            found[f"bd_rate.{name}"] = compared.bd_rate_percent
        return found

    def _measured(self, network: nn.Module | None) -> Points:
        waiting = [
            self._pool.submit(self._filtered(network, qp), [qp] * len(self._images)) for qp in QPS
        ]
        points: Points = {name: [] for name in self._distances}
        for qp, fetch in zip(QPS, waiting, strict=True):
            coded = fetch()
            rate = float(np.mean([one.bpp for one in coded]))
            for name, distance in self._distances.items():
                decoded = [one.image for one in coded]
                loss = mean_distance(distance, self._images, decoded, self._device)
                points[name].append(Point(_SETUP, qp, None, rate, {"d_m": -loss}))
        return points

    @torch.no_grad()
    def _filtered(self, network: nn.Module | None, qp: int) -> list[Image]:
        if network is None:
            return self._images
        return [
            image
            for start in range(0, len(self._images), _BATCH)
            for image in to_images(
                network(to_tensor(self._images[start : start + _BATCH], self._device), float(qp))
            )
        ]


def _curve(points: Sequence[Point], pre: str) -> Curve:
    setup = replace(_SETUP, pre=pre)
    ordered = sorted((replace(point, setup=setup) for point in points), key=lambda p: p.bpp)
    return Curve(setup, ordered, [{} for _ in ordered])
