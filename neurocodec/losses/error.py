"""How far pictures are from each other, sample by sample."""

from torch import Tensor


def mean_squared_error(pictures: Tensor, others: Tensor) -> Tensor:
    """‖a − b‖² a sample of every picture, (N,).

    Args:
        pictures: (N, 3, H, W).
        others: of the same shape and unit; both float32, or the result is as coarse as they are.
    """
    return (pictures - others).square().mean((1, 2, 3))
