"""Real BD-rates on the pictures kept apart from training."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from neurocodec.errors import NotComparableError
from neurocodec.evaluation.bd_rate import paired_bd_rate, percent
from neurocodec.images import Image
from neurocodec.losses import RecogniserLoss
from neurocodec.measures.psnr import psnr_db
from neurocodec.networks.tensors import to_images, to_tensor
from neurocodec.training.codec_pool import CodecPool, Coded, coded_in_turn
from neurocodec.training.report import Record, Report
from neurocodec.training.scoring import per_picture

QPS = (28, 31, 34, 37, 41)
_CODING = "coding the pictures kept apart"
_BATCH = 8
FEWEST = 8
"""Pictures that an interval is drawn from."""
_CORRELATED = 3

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Scores of a network.

    Attributes:
        record: numbers for the log.
        remarks: sentences for people: each BD-rate with its interval, or why there is none.
    """

    record: Record = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def __add__(self, other: "Scores") -> "Scores":
        return Scores(self.record | other.record, self.remarks + other.remarks)


@dataclass(frozen=True, eq=False)
class Curve:
    """Rates and scores of every picture at every QP; higher scores are better."""

    bpp: Array  # (QPs, pictures)
    scores: Mapping[str, Array]  # (QPs, pictures) each


@dataclass(frozen=True, eq=False)
class FilterValidation:
    """BD-rate of codec and filter against the codec alone, for every recogniser."""

    pool: CodecPool
    losses: Mapping[str, RecogniserLoss]
    images: Sequence[Image]
    device: torch.device
    report: Report = field(default_factory=Report)

    def __call__(self, network: nn.Module) -> Scores:
        """{"bd_rate.RECOGNISER": per cent, …} and sentences that say the same."""
        if len(self.images) < FEWEST:
            return Scores(remarks=(too_few(self.images),))
        filtered, scores = self._measure(network), Scores()
        for name, loss in self.losses.items():
            scores += compared(name, f" ({loss.loss})", self._plain, filtered)
        return scores

    @cached_property
    def _plain(self) -> Curve:
        return self._measure(None)

    @torch.no_grad()
    def _measure(self, network: nn.Module | None) -> Curve:
        filtered = ((qp, self._filtered(network, qp)) for qp in QPS)
        text = _CODING if network is None else f"{_CODING}, filtered"
        coded = self.report.tracked(coded_in_turn(self.pool, filtered), len(QPS), text)
        rates, decoded = _rates_and_pictures(coded)
        scores = {
            name: -np.array([per_picture(loss, self.images, d, self.device) for d in decoded])
            for name, loss in self.losses.items()
        }
        return Curve(rates, scores)

    def _filtered(self, network: nn.Module | None, qp: int) -> Sequence[Image]:
        if network is None:
            return self.images
        return [
            image
            for start in range(0, len(self.images), _BATCH)
            for image in to_images(
                network(to_tensor(self.images[start : start + _BATCH], self.device), float(qp))
            )
        ]


@dataclass(frozen=True, eq=False)
class _CodecValidation:
    """What validates a network that stands for a codec, beside a real one."""

    pool: CodecPool
    images: Sequence[Image]
    device: torch.device
    report: Report

    @property
    def _qps(self) -> Sequence[int]:
        return QPS

    @cached_property
    def _real(self) -> Curve:
        return self._curve(*coded(self.pool, self.images, self.report, self._qps))

    def _curve(self, rates: Array, pictures: Sequence[Sequence[Image]]) -> Curve:
        psnr = [
            [psnr_db(*pair) for pair in zip(self.images, of_level, strict=True)]
            for of_level in pictures
        ]
        return Curve(rates, {"psnr": np.array(psnr)})

    def _batches(self) -> Iterator[torch.Tensor]:
        for start in range(0, len(self.images), _BATCH):
            yield to_tensor(self.images[start : start + _BATCH], self.device)


@dataclass(frozen=True, eq=False)
class ProxyValidation(_CodecValidation):
    """Scores of a proxy against its codec, at those of QPS that are within the training's QPs."""

    qps: Sequence[int] = QPS

    def __call__(self, network: nn.Module) -> Scores:
        """`rate_agreement`, and the proxy's BD-rate(PSNR) as a codec against the codec."""
        if not self.images:
            return Scores(remarks=(too_few(self.images),))
        proxy = self._of_proxy(network)
        agreement = rate_agreement(self._real.bpp, proxy.bpp)
        text = "  ".join(f"{key} {value:.3g}" for key, value in agreement.items())
        scores = Scores(agreement, (text,))
        if len(self.images) < FEWEST:
            return scores + Scores(remarks=(too_few(self.images),))
        return scores + compared("psnr", " (the proxy as a codec)", self._real, proxy)

    @property
    def _qps(self) -> Sequence[int]:
        return [qp for qp in QPS if min(self.qps) <= qp <= max(self.qps)] or [min(self.qps)]

    @torch.no_grad()
    def _of_proxy(self, network: nn.Module) -> Curve:
        rates: list[list[float]] = []
        pictures: list[list[Image]] = []
        for qp in self._qps:
            rates.append([])
            pictures.append([])
            for x in self._batches():
                y_hat, r_p = network(x, x.new_full((len(x),), qp))
                rates[-1] += r_p.tolist()
                pictures[-1] += to_images(y_hat)
        return self._curve(np.array(rates), pictures)


@dataclass(frozen=True, eq=False)
class IterationsValidation(_CodecValidation):
    """Scores of a progressive codec after each iteration, before entropy coding."""

    bpp: float = 1.0  # of an iteration
    iterations: int = 1

    def __call__(self, network: nn.Module) -> Scores:
        """PSNR by iteration, and BD-rate(PSNR) against the codec."""
        if not self.images:
            return Scores(remarks=(too_few(self.images),))
        own = self._of_iterations(network)
        means = own.scores["psnr"].mean(1).tolist()
        record = {f"psnr_db.{place}": value for place, value in enumerate(means, 1)}
        scores = Scores(record, ("PSNR by iteration: " + " ".join(f"{v:.2f}" for v in means),))
        if len(self.images) < FEWEST:
            return scores + Scores(remarks=(too_few(self.images),))
        return scores + compared("psnr", " (bits packed)", self._real, own)

    @torch.no_grad()
    def _of_iterations(self, network: nn.Module) -> Curve:
        pictures: list[list[Image]] = [[] for _ in range(self.iterations)]
        for x in self._batches():
            for place, decoded in enumerate(network(x, self.iterations)):
                pictures[place] += to_images(decoded)
        rates = self.bpp * np.arange(1, self.iterations + 1, dtype=np.float64)
        return self._curve(np.repeat(rates[:, None], len(self.images), 1), pictures)


def coded(
    pool: CodecPool, images: Sequence[Image], report: Report, qps: Sequence[int] = QPS
) -> tuple[Array, list[list[Image]]]:
    """Rates, (QPs, pictures), and decoded pictures of the codec alone at every QP."""
    by_qp = coded_in_turn(pool, ((qp, images) for qp in qps))
    return _rates_and_pictures(report.tracked(by_qp, len(qps), _CODING))


def _rates_and_pictures(
    coded: Iterable[Sequence[Coded]],
) -> tuple[Array, list[list[Image]]]:
    """Rates, (QPs, pictures), and decoded pictures at every QP."""
    by_qp = list(coded)
    rates = np.array([[one.bpp for one in of_qp] for of_qp in by_qp])
    return rates, [[one.image for one in of_qp] for of_qp in by_qp]


def rate_agreement(r: Array, r_p: Array) -> Record:
    """Agreement of a proxy's rate with the real bits.

    Args:
        r: the codec's bpp, (QPs, pictures).
        r_p: the proxy's, of the same shape.

    Returns:
        "rate_correlation": Pearson's over the pictures of one QP, the mean over the QPs, so that
        predicting the QP does not count (of three pictures or more); "rate_error_percent": the
        mean of |R_p − R| / R.
    """
    error = {"rate_error_percent": float(100 * np.mean(np.abs(r_p - r) / r))}
    if r.shape[1] < _CORRELATED:
        return error
    with np.errstate(invalid="ignore"):  # of a proxy that gives every picture the same rate
        correlations = [np.corrcoef(*rows)[0, 1] for rows in zip(r, r_p, strict=True)]
    return {"rate_correlation": float(np.mean(np.nan_to_num(correlations)))} | error


def compared(name: str, detail: str, anchor: Curve, test: Curve) -> Scores:
    """The BD-rate of two curves by one of their scores, or why there is none."""
    try:
        change = paired_bd_rate(anchor.bpp, anchor.scores[name], test.bpp, test.scores[name])
    except NotComparableError as exc:
        return Scores(remarks=(f"no BD-rate for {name}: {exc}",))
    low, high = change.interval or (float("nan"), float("nan"))
    values = {"bd_rate": change.bd_rate_percent, "bd_rate_low": low, "bd_rate_high": high}
    text = (
        f"BD-rate for {name}{detail}: {percent(change.bd_rate_percent)} % [{percent(low)}, "
        f"{percent(high)}] on {anchor.bpp.shape[1]} pictures kept apart"
    )
    return Scores({f"{key}.{name}": value for key, value in values.items()}, (text,))


def too_few(images: Sequence[Image]) -> str:
    """Why so few pictures have no BD-rate."""
    count = len(images)
    return f"no BD-rate: it needs {FEWEST} pictures kept apart, not {count}: see --validation"
