"""The rate–distortion sum that the preprocessor's training lowers."""

from torch import Tensor


def rate_distortion(rate: Tensor, weighted: Tensor, mean_rate: Tensor) -> Tensor:
    """(R + λ·D_m) / R̄ of every picture: equation 1 of the NPP paper without its last term.

    Args:
        rate: R, (N,) bpp.
        weighted: λ·D_m, (N,) bpp, λ being that of each picture's QP.
        mean_rate: R̄, the plain codec's mean bpp at each picture's QP, (N,): with it every QP
            weighs the same.

    Returns:
        (N,).
    """
    return (rate + weighted) / mean_rate
