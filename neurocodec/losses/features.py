"""D_m from what a recogniser sees on its way to the answer."""

from torch import Tensor

_TINY = 1e-12


def feature_difference(clean: Tensor, decoded: Tensor) -> Tensor:
    """‖F(y) − F(x)‖² / ‖F(x)‖² of every picture.

    Equation 5 of "Discernible Image Compression", there without the division. With it a weight
    beside it means the same whatever the layer's scale is: SqueezeNet's last features are in the
    hundreds, MobileNetV2's at most 6.

    Args:
        clean: F(x), (N, …); it gets no gradient.
        decoded: F(y), likewise.

    Returns:
        (N,), at least 0.
    """
    power = clean.detach().flatten(1).square().sum(1).clamp_min(_TINY)
    return (decoded - clean).flatten(1).square().sum(1) / power
