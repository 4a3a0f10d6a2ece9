"""What the plain codec gives for its bits, measured on training pictures: R̄(QP) and λ(QP)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.networks.tensors import to_tensor
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.data import truths_of
from neurocodec.training.distances import Distance

_POINTS = 6  # enough for a quadratic to smooth what few pictures make of a curve
_LEAST_SPAN = 6  # of QPs: a slope is read off no shorter piece of it
_BATCH = 8
_TINY = 1e-6
_GRAY = 128
_FOR_A_PICTURE = 3.0


@dataclass(frozen=True)
class ExchangeRates:
    """Smooth curves over the QP, as the coefficients of polynomials, the highest power first.

    Attributes:
        log_rate: of log R̄, R̄ being the plain codec's mean bpp.
        log_lmbda: of log λ, by recogniser; λ in bpp a unit of its D_m.
        nothing_seen: D_m of a gray picture, by recogniser; of one that is not here λ has no floor.
    """

    log_rate: Sequence[float]
    log_lmbda: Mapping[str, Sequence[float]]
    nothing_seen: Mapping[str, float] = field(default_factory=dict)

    def mean_rate(self, qp: Tensor) -> Tensor:
        """R̄, of the shape of `qp`."""
        return _exp_polynomial(self.log_rate, qp)

    def lmbda(self, recogniser: str, qp: Tensor) -> Tensor:
        """λ of a recogniser, of the shape of `qp`.

        At least such that to show nothing costs three times the bits of the whole picture: where
        D_m of the coded pictures is near that of nothing, the codec's slope would make it a bargain
        to give pictures up.
        """
        slope = _exp_polynomial(self.log_lmbda[recogniser], qp)
        if recogniser not in self.nothing_seen:
            return slope
        return slope.maximum(_FOR_A_PICTURE * self.mean_rate(qp) / self.nothing_seen[recogniser])


def measure(
    pool: CodecPool,
    distances: Mapping[str, Distance],
    images: Sequence[Image],
    qps: Sequence[int],
    device: torch.device,
) -> ExchangeRates:
    """λ(QP) = −dR/dD_m of the plain codec, and its mean rate.

    log R̄ and log D̄_m are quadratics in QP, by least squares on six QPs, and λ is the quotient of
    their slopes; log λ is then made a straight line, which no noise bends, over a floor.

    Args:
        pool: the codec.
        distances: D_m by recogniser; none measures the rate alone.
        images: of one size.
        qps: of the training; the lowest and the highest count.
        device: that the recognisers compute on.

    Raises:
        ToolError: the codec failed.
        UsageError: the pictures show no slope.
    """
    span = max(max(qps) - min(qps), _LEAST_SPAN)
    measured = sorted({min(51, min(qps) + round(span * i / (_POINTS - 1))) for i in range(_POINTS)})
    waiting = [(qp, pool.submit(images, [qp] * len(images))) for qp in measured]
    rates: list[float] = []
    losses: dict[str, list[float]] = {name: [] for name in distances}
    for _, fetch in waiting:
        coded = fetch()
        rates.append(math.log(np.mean([one.bpp for one in coded])))
        decoded = [one.image for one in coded]
        for name, distance in distances.items():
            loss = mean_distance(distance, images, decoded, device)
            losses[name].append(math.log(max(loss, _TINY)))
    log_rate = np.polyfit(measured, rates, 2)
    slopes = {name: _log_slope(measured, log_rate, values) for name, values in losses.items()}
    nothing = [Image(np.full_like(image.pixels, _GRAY)) for image in images]
    floors = {name: mean_distance(d, images, nothing, device) for name, d in distances.items()}
    return ExchangeRates([float(c) for c in log_rate], slopes, floors)


@torch.no_grad()
def mean_distance(
    distance: Distance, clean: Sequence[Image], decoded: Sequence[Image], device: torch.device
) -> float:
    """The mean of D_m over pictures of one size; the clean ones carry the truths, if any."""
    total = 0.0
    for start in range(0, len(clean), _BATCH):
        part = slice(start, start + _BATCH)
        answer = distance.answer(to_tensor(clean[part], device), truths_of(clean[part]))
        total += float(distance(answer, to_tensor(decoded[part], device)).sum())
    return total / len(clean)


def given(rates: ExchangeRates, text: str, recognisers: Iterable[str]) -> ExchangeRates:
    """The same mean rate, with the λ that `text` says for all recognisers.

    It is one number, or QP=λ pairs by commas.

    Between the pairs' QPs log λ is the straight line that fits them best.

    Raises:
        UsageError: `text` says neither.
    """
    try:
        pairs = [pair.split("=") for pair in text.split(",")]
        if pairs == [[text]]:
            line = [math.log(float(text))]
        else:
            qps = [float(qp) for qp, _ in pairs]
            logs = [math.log(float(lmbda)) for _, lmbda in pairs]
            fitted = np.polyfit(qps, logs, min(1, len(pairs) - 1))
            line = [float(c) for c in fitted]
    except (ValueError, TypeError):
        raise UsageError(f"cannot read λ {text!r}: write 1.5, or 28=8,34=2,41=0.5") from None
    if not all(math.isfinite(c) for c in line):
        raise UsageError(f"λ {text!r} has no end: write 1.5, or 28=8,34=2,41=0.5")
    return ExchangeRates(rates.log_rate, dict.fromkeys(recognisers, line))


def _log_slope(qps: Sequence[int], log_rate: Any, log_loss: Sequence[float]) -> list[float]:
    at = np.asarray(qps, float)
    fitted = np.polyfit(at, log_loss, 2)
    falling = np.polyval(np.polyder(log_rate), at) * np.exp(np.polyval(log_rate, at))
    rising = np.polyval(np.polyder(fitted), at) * np.exp(np.polyval(fitted, at))
    sound = (falling < 0) & (rising > 0)
    if sound.sum() < 2:
        raise UsageError("the codec's slope cannot be measured on these pictures: give --lmbda")
    line = np.polyfit(at[sound], np.log(-falling[sound] / rising[sound]), 1)
    return [float(c) for c in line]


def _exp_polynomial(coefficients: Sequence[float], qp: Tensor) -> Tensor:
    value = torch.zeros_like(qp, dtype=torch.float32)
    for coefficient in coefficients:
        value = value * qp + coefficient
    return value.exp()
