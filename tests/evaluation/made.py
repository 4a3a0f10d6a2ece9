"""Made results whose BD-rate is known."""

from dataclasses import replace

import numpy as np

from neurocodec.codecs import Level
from neurocodec.evaluation.results import PictureResult, Point, Result, Setup
from neurocodec.evaluation.selection import Curve, gather

QPS = (28, 31, 34, 37, 41)
SETUP = Setup(
    data="made",
    pictures=60,
    pictures_sha256="f00d",
    task="classification",
    model="squeezenet",
    model_sha256="beef",
    codec="bpg",
    encoder="x265 4.1",
    chroma="420",
    pre="none",
    weights_sha256="",
    neurocodec="0",
)
_BPP = np.array([1.2, 0.85, 0.6, 0.4, 0.22])
_SIDE = 256


def points(rates: list[float], scores: list[float], metric: str = "kl", **setup: object) -> Curve:
    """A curve of points alone."""
    whole = replace(SETUP, **setup)
    found = zip(QPS, rates, scores, strict=False)
    return gather(
        [Point(whole, Level("qp", qp), rate, {metric: score}) for qp, rate, score in found]
    )[0]


def results(
    rng: np.random.Generator, *pres: tuple[str, float], pictures: int = 60, **setup: object
) -> list[Result]:
    """Points and picture lines of one curve a (filter, rate factor), over one population.

    Every picture has a complexity and a difficulty of its own, which all curves share. `kl`
    depends on the QP alone, so that the BD-rate of the population is the factors' ratio; `top1`
    has noise enough to tie and cross.
    """
    complexity, difficulty = rng.lognormal(0, 0.5, pictures), rng.normal(0, 1, pictures)
    found: list[Result] = []
    for pre, factor in pres:
        whole = replace(SETUP, pre=pre, pictures=pictures, **setup)
        for qp, rate in zip(QPS, _BPP, strict=True):
            noise = rng.normal(0, 0.2, pictures)
            bits = rate * factor * complexity * np.exp(rng.normal(0, 0.1, pictures)) * _SIDE**2
            kl = -0.05 / rate * np.exp(0.5 * difficulty + noise)
            top1 = (2 + difficulty + noise > 0.8 / rate).astype(float)
            lines = [
                _picture(whole, qp, f"{i}.png", int(bits[i] / 8), float(kl[i]), float(top1[i]))
                for i in range(pictures)
            ]
            total = 8 * sum(line.size_bytes for line in lines) / (pictures * _SIDE**2)
            means = {"kl": float(kl.mean()), "top1": float(top1.mean())}
            found += [*lines, Point(whole, Level("qp", qp), total, means)]
    return found


def _picture(
    setup: Setup, qp: int, name: str, size_bytes: int, kl: float, top1: float
) -> PictureResult:
    scores = {"kl": kl, "top1": top1}
    rate = 8 * size_bytes / _SIDE**2
    return PictureResult(setup, Level("qp", qp), name, _SIDE, _SIDE, size_bytes, rate, scores)
