"""Losses of rate and distortion.

λ in `rate_distortion` weighs a recogniser's loss and is the one of measures/slope.py. λ in
`mimic` is another quantity, x265's weight of bits against squared error.
"""

import torch
from torch import Tensor

from neurocodec.losses.pixels import mean_squared_error


def rate_distortion(rate: Tensor, weighted: Tensor, mean_rate: Tensor) -> Tensor:
    """(R + λ·D_m) / R̄ of every picture: equation 1 of the NPP paper without its last term.

    Args:
        rate: R, (N,) bpp.
        weighted: λ·D_m, (N,) bpp, λ at each picture's QP.
        mean_rate: R̄, the plain codec's mean bpp at each picture's QP, (N,): with it every QP
            weighs the same.

    Returns:
        (N,).
    """
    return (rate + weighted) / mean_rate


def mimic(rate: Tensor, pictures: Tensor, target: Tensor, qp: Tensor) -> Tensor:
    """(R_p + D / λ) · 2^((QP − 34) / 6) of every picture, D = ‖target − ŷ‖² a sample.

    λ = 0.038·exp(0.234·(QP − 3)) is the squared error, in levels of 0 to 255, that x265 accepts
    for one bit less (its table of λ², at the QP of an intra picture). The power follows the bits,
    which fall with the QP: with it every QP weighs about the same.

    Args:
        rate: R_p, (N,) bpp.
        pictures: ŷ, (N, 3, H, W) in about [0, 1].
        target: of the same shape.
        qp: (N,) on BPG's scale.

    Returns:
        (N,).
    """
    lmbda = 0.038 * torch.exp(0.234 * (qp - 3))
    distortion = 255**2 * mean_squared_error(pictures.float(), target)
    return (rate + distortion / lmbda) * 2 ** ((qp - 34) / 6)
