"""The learned codec that replaces a standard one where a gradient is needed.

D. Minnen, J. Ballé, G. Toderici, "Joint Autoregressive and Hierarchical Priors for Learned Image
Compression" (NeurIPS 2018), compressai's `mbt2018`, at a settable width; section 3.3 of the NPP
paper.
"""

import copy
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from neurocodec.errors import MissingError
from neurocodec.networks.adaptation import adaptation
from neurocodec.networks.filter import padded
from neurocodec.networks.precision import exact, exactly
from neurocodec.networks.swap import swap

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # at its import, of torch.jit
        from compressai.models import JointAutoregressiveHierarchicalPriors
except ImportError as exc:
    raise MissingError(
        "train-proxy, mbt2018 and learned proxies need compressai, which is not installed: "
        "install neurocodec under Python 3.11 or 3.12, where compressai comes with it"
    ) from exc

_STRIDE = 64
_CENTRE_QP = 34.0
_DOUBLING_QP = 6.0  # HEVC's step of quantisation doubles with every six QPs
_LEAST = 1e-9


class Proxy(nn.Module):
    """(x, QP) → (x̂, R): coded and decoded pictures and their bits, both with a gradient.

    With quantisation adaptation one network serves every QP: its features are scaled depending on
    the QP, and its latents also by HEVC's step. Its weights are random at first.

    Args:
        qa: whether it adapts to the QP.
        width: channels of the features; 192 is the paper's for low rates.
        latents: channels of the latents.
    """

    def __init__(self, qa: bool = True, width: int = 192, latents: int = 192) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"qa": qa, "width": width, "latents": latents}
        self.model: Any = JointAutoregressiveHierarchicalPriors(width, latents)  # type: ignore[no-untyped-call]
        self.requires_grad_(True)
        self.analysis_qa = nn.ModuleList(adaptation(c, qa=qa) for c in (*[width] * 3, latents))
        self.synthesis_qa = nn.ModuleList(adaptation(c, qa=qa) for c in (latents, *[width] * 3))
        self.to(memory_format=torch.channels_last)  # a fifth faster on a processor

    def forward(self, x: Tensor, qp: Tensor) -> tuple[Tensor, Tensor]:
        """Code and decode pictures.

        The picture comes from rounded latents, the gradient straight through; the rate is that of
        latents with uniform noise (Ballé) in training mode, and of rounded ones otherwise.

        Args:
            x: (N, 3, H, W) float in [0, 1].
            qp: (N,) on BPG's scale.

        Returns:
            x̂ (N, 3, H, W), and R (N,) in bpp, above 0.
        """
        height, width = x.shape[-2:]
        y = self.analysis(padded(x, _STRIDE), qp)
        z = self.model.h_a(y)
        with exactly(x):
            y, z = y.float(), z.float()
            z_hat, z_likelihoods = self.model.entropy_bottleneck(z)
        parameters = self.model.h_s(z_hat)
        y_hat = swap(y.detach().round(), y)
        parameters = torch.cat([parameters, self.model.context_prediction(y_hat)], 1)
        scales, means = self.model.entropy_parameters(parameters).chunk(2, 1)
        with exactly(x):
            _, y_likelihoods = self.model.gaussian_conditional(y, scales.float(), means.float())
            r = (_bits(y_likelihoods) + _bits(z_likelihoods)) / (height * width)
        return self.synthesis(y_hat, qp)[..., :height, :width], r

    def requires_grad_(self, requires_grad: bool = True) -> "Proxy":
        """Switch learning on or off; the quantiles are computed by `at` and never learn."""
        super().requires_grad_(requires_grad)
        self.model.entropy_bottleneck.quantiles.requires_grad_(False)
        return self

    def analysis(self, x: Tensor, qp: Tensor) -> Tensor:
        """Compute the latents y, (N, latents, H/16, W/16); H and W are multiples of 64."""
        *inner, last = self.model.g_a
        for conv, gdn, qa in zip(inner[::2], inner[1::2], self.analysis_qa, strict=False):
            x = qa(gdn(conv(x)), qp)
        y: Tensor = self.analysis_qa[-1](last(x), qp) / self._step(qp)
        return y

    def synthesis(self, y_hat: Tensor, qp: Tensor) -> Tensor:
        """Compute the pictures x̂, (N, 3, H, W) float32, not clamped."""
        x = self.synthesis_qa[0](y_hat * self._step(qp), qp)
        *inner, last = self.model.g_s
        for deconv, gdn, qa in zip(inner[::2], inner[1::2], self.synthesis_qa[1:], strict=True):
            x = qa(gdn(deconv(x)), qp)
        return exact(last, x)

    def at(self, qp: float) -> Any:
        """Make compressai's model for one QP, with the same weights: for range-coded bytes."""
        bound = copy.deepcopy(self.model)
        bound.g_a = _Bound(self.analysis, qp)
        bound.g_s = _Bound(self.synthesis, qp)
        bound.update(force=True, update_quantiles=True)
        return bound

    def _step(self, qp: Tensor) -> Tensor:
        if not self.config["qa"]:
            return qp.new_ones(len(qp), 1, 1, 1)
        return (2 ** ((qp - _CENTRE_QP) / _DOUBLING_QP))[:, None, None, None]


class _Bound(nn.Module):
    """A transform of the proxy at one QP, as compressai calls it."""

    def __init__(self, transform: Callable[[Tensor, Tensor], Tensor], qp: float) -> None:
        super().__init__()
        self._transform = transform
        self._qp = qp

    def forward(self, x: Tensor) -> Tensor:
        return self._transform(x, x.new_full((len(x),), self._qp))


def _bits(likelihoods: Tensor) -> Tensor:
    """Compute −Σ log2 of every picture's likelihoods, (N,)."""
    return -likelihoods.clamp_min(_LEAST).log2().flatten(1).sum(1)


class Proxies(nn.Module):
    """Several proxies as one: each picture goes through the one trained nearest to its QP.

    Args:
        networks: by the middle of the QPs that each was trained at.
    """

    def __init__(self, networks: dict[float, nn.Module]) -> None:
        super().__init__()
        self._middles = sorted(networks)
        self.networks = nn.ModuleList(networks[middle] for middle in self._middles)

    def forward(self, x: Tensor, qp: Tensor) -> tuple[Tensor, Tensor]:
        """Code and decode pictures, as `Proxy.forward` does."""
        middles = torch.tensor(self._middles, dtype=qp.dtype, device=qp.device)
        nearest = (qp[:, None] - middles).abs().argmin(1)
        order = nearest.argsort(stable=True)
        parts = [
            network(x[nearest == number], qp[nearest == number])
            for number, network in enumerate(self.networks)
            if (nearest == number).any()
        ]
        pictures, rates = (torch.cat(part)[order.argsort()] for part in zip(*parts, strict=True))
        return pictures, rates
