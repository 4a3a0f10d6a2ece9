"""A Gaussian blur: the plainest filter that a trained one has to beat."""

import math

from torch import Tensor
from torch.nn.functional import pad

from neurocodec.errors import UsageError
from neurocodec.filters.filter import Filter
from neurocodec.images import Image
from neurocodec.networks import devices
from neurocodec.networks.tensors import to_images, to_tensor


class Blur(Filter):
    """Blurs alike at every QP; alpha is not blurred.

    Args:
        sigma: standard deviation in pixels, 0 (no blur) to 100.
        device: "cpu", "cuda" or "auto".

    Raises:
        UsageError: sigma out of its range, or no such device.
    """

    def __init__(self, sigma: float = 0.5, device: str = "cpu") -> None:
        if not 0 <= sigma <= 100:
            raise UsageError(f"blur:sigma is 0 to 100 pixels, not {sigma:g}")
        self.sigma = sigma
        self.device = devices.resolve(device)
        self.device_type = self.device.type

    def __call__(self, image: Image, qp: float) -> Image:
        """Blur a picture and round it to the nearest level."""
        if self.sigma == 0:
            return image
        blurred = gaussian_blur(to_tensor([image], self.device), self.sigma)
        return to_images(blurred, [image])[0]


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """Convolve x with the sampled Gaussian exp(−d²/2σ²), cut at ⌈4σ⌉ pixels, of sum 1.

    Borders are replicated, so that a picture of any size, 1×1 too, has a neighbourhood.

    Args:
        x: (N, C, H, W) float; the result has its shape and range.
        sigma: σ in pixels, above 0.
    """
    weights = _half_kernel(sigma)
    radius = len(weights) - 1
    padded = pad(x, (radius, radius, radius, radius), mode="replicate")
    return _weighted_sum(_weighted_sum(padded, -2, weights), -1, weights)


def _half_kernel(sigma: float) -> list[float]:
    """Compute the kernel's weights at the distances 0, 1, … ⌈4σ⌉."""
    half = [math.exp(-0.5 * min(d / sigma, 1e3) ** 2) for d in range(math.ceil(4 * sigma) + 1)]
    total = half[0] + 2 * sum(half[1:])
    return [weight / total for weight in half]


def _weighted_sum(x: Tensor, dim: int, weights: list[float]) -> Tensor:
    """Filter x along `dim` where the whole kernel fits.

    Not a library convolution: on a GPU that may round to TF32.
    """
    radius = len(weights) - 1
    length = x.shape[dim] - 2 * radius
    total = x.narrow(dim, radius, length) * weights[0]
    for distance, weight in enumerate(weights[1:], start=1):
        total.add_(x.narrow(dim, radius - distance, length), alpha=weight)
        total.add_(x.narrow(dim, radius + distance, length), alpha=weight)
    return total
