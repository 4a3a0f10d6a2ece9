"""Algorithm 1 for one picture: down the gradient of L, through the real codec.

    x̄ ← field(unknowns)                          rounded to 1/255: the codec's input
    x̂, R ← codec(x̄, level)                       the real one, no gradient
    ŷ, R_p ← proxy(x̄, QP)                        with the values of x̂ and R swapped in
    L ← (R_p + λ·D_m(jury(ŷ))) / R̄
    unknowns ← unknowns − Adam(∂L/∂unknowns)

The picture of the lowest L is kept, of the unfiltered one too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from neurocodec.filters.search.field import Field
from neurocodec.images import Image
from neurocodec.losses.algorithm1 import Goal, Loss, Objective
from neurocodec.networks.swap import swap_values
from neurocodec.networks.tensors import to_tensor

_BETAS = (0.7, 0.9)
RATE = 1.0

Codec = Callable[[Image], tuple[Image, float]]
"""From a picture to the decoded one and the bpp of its file."""
Proxy = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True, eq=False)
class Tried:
    """A picture that was encoded and decoded, and what it costs.

    Attributes:
        image: the codec's input.
        bpp: of the file.
        loss: L.
        recognition: λ·D_m, bpp.
        d_m: by recogniser.
    """

    image: Image
    bpp: float
    loss: float
    recognition: float
    d_m: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Descent:
    """The search for one picture.

    Attributes:
        image: the original.
        goal: that its clean picture sets.
        objective: L.
        codec: the real one.
        proxy: (x̄, QP) → (ŷ, R_p).
    """

    image: Image
    goal: Goal
    objective: Objective
    codec: Codec
    proxy: Proxy

    def __call__(self, field: Field, steps: int) -> tuple[Tried, Tried]:
        """The unfiltered picture and the best one of `steps` steps."""
        with torch.no_grad():
            plain = self._unfiltered(field.unknowns.device)
        best = plain
        adam = torch.optim.Adam([field.unknowns], lr=RATE, betas=_BETAS)
        for step in range(steps + 1):
            with torch.set_grad_enabled(step < steps):
                tried, loss = self._step(field)
            best = min(best, tried, key=lambda one: one.loss)
            if step < steps:
                adam.zero_grad()
                loss.total.sum().backward()  # type: ignore[no-untyped-call]
                adam.step()
        return plain, best

    def _step(self, field: Field) -> tuple[Tried, Loss]:
        x_bar = field.rounded()
        filtered = field.as_picture(x_bar, self.image)
        decoded, bpp = self.codec(filtered)
        y_hat, r_p = self.proxy(x_bar, x_bar.new_tensor(self.goal.qps))
        shown = y_hat[..., : self.image.height, : self.image.width]
        x_hat = to_tensor([decoded], x_bar.device)
        loss = self.objective(self.goal, *swap_values(x_hat, [bpp], shown, r_p))
        return _tried(filtered, bpp, loss), loss

    def _unfiltered(self, device: torch.device) -> Tried:
        decoded, bpp = self.codec(self.image)
        x_hat = to_tensor([decoded], device)
        return _tried(self.image, bpp, self.objective(self.goal, x_hat, x_hat.new_tensor([bpp])))


def _tried(image: Image, bpp: float, loss: Loss) -> Tried:
    d_m = {name: float(value.detach()) for name, value in loss.d_m.items()}
    return Tried(image, bpp, float(loss.total.detach()), float(loss.recognition.detach()), d_m)
