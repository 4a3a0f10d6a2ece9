"""λ(QP) = −dR/dD_m, the rate–distortion slope: the bits that a codec pays for a smaller D_m.

It is the one λ of recognition: training weighs recognition against bits by it, `choose` compares
filters by it. R is the rate in bpp, D_m a recogniser's loss, for classification KL in nats.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from neurocodec.errors import NotComparableError

QPS = (22, 26, 30, 34, 38, 42)
"""Where a training measures: fixed, so that λ at a QP does not depend on the other QPs trained."""

MIN_POINTS = 4
_DEGREE = 2
_TINY = 1e-6
_FOR_A_PICTURE = 3.0

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Slope:
    """A codec's mean rate R̄ and its λ as smooth functions of the QP.

    Attributes:
        log_rate: coefficients of the polynomial log R̄(QP), the highest power first; R̄ in bpp.
        log_lmbda: coefficients of log λ(QP), λ in bpp a unit of D_m.
        blank_loss: D_m of a gray picture; None sets no floor under λ.
    """

    log_rate: Sequence[float]
    log_lmbda: Sequence[float]
    blank_loss: float | None = None

    def times(self, factor: float) -> "Slope":
        """The same with λ times a factor above 0."""
        *higher, constant = self.log_lmbda
        return replace(self, log_lmbda=(*higher, constant + math.log(factor)))

    def mean_rate(self, qp: npt.ArrayLike) -> Array:
        """R̄, of the shape of `qp`."""
        return _exp_polynomial(self.log_rate, qp)

    def lmbda(self, qp: npt.ArrayLike) -> Array:
        """λ, of the shape of `qp`.

        With a `blank_loss`, λ is at least such that showing nothing costs three times the bits of
        the picture: where D_m of coded pictures comes near that of a gray one, the slope alone
        would make it a bargain to give the picture up.
        """
        lmbda = _exp_polynomial(self.log_lmbda, qp)
        if self.blank_loss is None:
            return lmbda
        return np.maximum(lmbda, _FOR_A_PICTURE * self.mean_rate(qp) / self.blank_loss)


def fit(
    qps: Sequence[float],
    bpp: Sequence[float],
    losses: Sequence[float],
    blank_loss: float | None = None,
) -> Slope:
    """The slope of a plain codec's curve.

    log R̄ and log D_m are quadratics in the QP, by least squares, and λ is the quotient of their
    slopes; log λ is then a straight line, which the noise of few pictures does not bend.

    Args:
        qps: of the points, four or more.
        bpp: mean rate at each.
        losses: mean D_m at each.
        blank_loss: D_m of a gray picture.

    Raises:
        NotComparableError: fewer than four QPs, or a curve without a slope.
    """
    if len(set(qps)) < MIN_POINTS:
        raise NotComparableError(f"λ needs a curve of four QPs, not of {len(set(qps))}")
    log_rate = fit_rate(qps, bpp)
    falling = -_derivative(log_rate, qps)
    rising = _derivative(np.polyfit(qps, np.log(np.maximum(losses, _TINY)), _DEGREE), qps)
    sound = (falling > 0) & (rising > 0)
    if sound.sum() < 2:
        raise NotComparableError("the codec's curve has no slope: the loss does not rise with QP")
    line = np.polyfit(np.asarray(qps)[sound], np.log(falling[sound] / rising[sound]), 1)
    return Slope(log_rate, line.tolist(), blank_loss)


def fit_rate(qps: Sequence[float], bpp: Sequence[float]) -> list[float]:
    """The coefficients of log R̄(QP)."""
    return list(map(float, np.polyfit(qps, np.log(bpp), _DEGREE)))


def _exp_polynomial(coefficients: Sequence[float], qp: npt.ArrayLike) -> Array:
    at = np.asarray(qp, np.float64)
    return np.asarray(np.exp(np.polyval(np.asarray(coefficients), at)))


def _derivative(log_curve: Any, qps: Sequence[float]) -> Array:
    """d/dQP of exp(log_curve)."""
    return np.asarray(np.polyval(np.polyder(log_curve), qps) * _exp_polynomial(log_curve, qps))
