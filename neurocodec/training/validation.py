"""Real BD-rates on pictures kept apart from training, small enough to ask for often."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from neurocodec.errors import NotComparableError
from neurocodec.images import Image
from neurocodec.measures.bd_rate import bd_rate
from neurocodec.measures.psnr import psnr_db
from neurocodec.networks.tensors import to_images, to_tensor
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.distances import Distance
from neurocodec.training.exchange import mean_distance
from neurocodec.training.state import Record

QPS = (28, 31, 34, 37, 41)
_BATCH = 8
_CORRELATED = 3

RateScore = tuple[float, float]  # in bpp, and the higher the better
Points = dict[str, list[RateScore]]
Floats = npt.NDArray[np.float64]


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
        saved = {name: _bd_rate(plain, filtered[name]) for name, plain in self._plain.items()}
        return {f"bd_rate.{name}": value for name, value in saved.items() if value is not None}

    def _measured(self, network: nn.Module | None) -> Points:
        waiting = [
            self._pool.submit(self._filtered(network, qp), [qp] * len(self._images)) for qp in QPS
        ]
        points: Points = {name: [] for name in self._distances}
        for fetch in waiting:
            coded = fetch()
            rate = float(np.mean([one.bpp for one in coded]))
            for name, distance in self._distances.items():
                decoded = [one.image for one in coded]
                loss = mean_distance(distance, self._images, decoded, self._device)
                points[name].append((rate, -loss))
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


@dataclass(frozen=True)
class _Pictures:
    """Of every picture at one QP."""

    bpp: list[float]
    psnr_db: list[float]

    @property
    def mean(self) -> RateScore:
        return float(np.mean(self.bpp)), float(np.mean(self.psnr_db))


class ProxyValidation:
    """How near a proxy is to its codec."""

    def __init__(
        self, pool: CodecPool, images: Sequence[Image], qps: Sequence[int], device: torch.device
    ) -> None:
        """Say on what.

        Args:
            pool: the codec.
            images: of one size.
            qps: of the training; of QPS those that lie within are measured.
            device: that the proxy computes on.
        """
        self._pool = pool
        self._images = list(images)
        self._device = device
        self._qps = [qp for qp in QPS if min(qps) <= qp <= max(qps)] or [min(qps)]
        self._real: list[_Pictures] | None = None

    def __call__(self, network: nn.Module) -> Record:
        """What `rate_agreement` says, and "bd_rate.psnr" of the proxy as a codec against the codec.

        The BD-rate is over the mean PSNR of the RGB pictures, in per cent; it is left out where
        there is none.
        """
        if not self._images:
            return {}
        if self._real is None:
            self._real = self._of_codec()
        proxied = [self._of_proxy(network, qp) for qp in self._qps]
        rates = (np.array([one.bpp for one in points]) for points in (self._real, proxied))
        gap = _bd_rate(*([one.mean for one in points] for points in (self._real, proxied)))
        found = rate_agreement(*rates)
        return found if gap is None else found | {"bd_rate.psnr": gap}

    def _of_codec(self) -> list[_Pictures]:
        submitted = [self._pool.submit(self._images, [qp] * len(self._images)) for qp in self._qps]
        coded = [fetch() for fetch in submitted]
        return [
            _Pictures([one.bpp for one in point], self._psnr_db([one.image for one in point]))
            for point in coded
        ]

    @torch.no_grad()
    def _of_proxy(self, network: nn.Module, qp: int) -> _Pictures:
        rates: list[float] = []
        pictures: list[Image] = []
        for start in range(0, len(self._images), _BATCH):
            x = to_tensor(self._images[start : start + _BATCH], self._device)
            y_hat, r_p = network(x, x.new_full((len(x),), qp))
            rates += r_p.tolist()
            pictures += to_images(y_hat)
        return _Pictures(rates, self._psnr_db(pictures))

    def _psnr_db(self, decoded: Sequence[Image]) -> list[float]:
        return [psnr_db(*pair) for pair in zip(self._images, decoded, strict=True)]


def rate_agreement(r: Floats, r_p: Floats) -> Record:
    """How well a proxy's rate predicts the real bits.

    Args:
        r: the codec's bpp, (QPs, pictures).
        r_p: the proxy's, likewise.

    Returns:
        "rate_correlation": Pearson's, over the pictures of one QP, the mean over the QPs, so that
        it is not the QP that is predicted (of three pictures or more); "rate_error_percent": the
        mean of |R_p − R| / R.
    """
    error = {"rate_error_percent": float(100 * np.mean(np.abs(r_p - r) / r))}
    if r.shape[1] < _CORRELATED:
        return error
    with np.errstate(invalid="ignore"):  # of a proxy that gives every picture the same rate
        correlations = [np.corrcoef(*rows)[0, 1] for rows in zip(r, r_p, strict=True)]
    return {"rate_correlation": float(np.mean(np.nan_to_num(correlations)))} | error


def _bd_rate(anchor: Sequence[RateScore], test: Sequence[RateScore]) -> float | None:
    """The BD-rate in per cent, or None where the curves do not compare."""
    try:
        return bd_rate(*zip(*anchor, strict=True), *zip(*test, strict=True)).percent
    except NotComparableError:
        return None
