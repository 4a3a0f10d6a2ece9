"""Algorithm 1 for one picture: down the gradient of L, through the real codec.

    x̄ ← field(unknowns)                          rounded to 1/255: the codec's input
    x̂, R ← codec(x̄, level)                       the real one, no gradient
    ŷ, R_p ← proxy(x̄, QP)                        with the values of x̂ and R swapped in
    L ← (R_p + λ·D_m(jury(ŷ))) / R̄
    unknowns ← unknowns − Adam(∂L/∂unknowns)

The picture of the lowest L is kept, of the unfiltered one too. Where a step asks some of the
recognisers only, the pictures of the last turn are judged by all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from neurocodec.filters.search.field import Field, TiledProxy
from neurocodec.images import Image
from neurocodec.losses.algorithm1 import Goal, Loss, Objective
from neurocodec.networks.swap import swap_values
from neurocodec.networks.tensors import to_tensor

_BETAS = (0.7, 0.9)

Coding = Callable[[Image], tuple[Image, float]]
"""From a picture to the decoded one and the bpp of its file."""


@dataclass(frozen=True)
class Plan:
    """The course of a descent.

    Attributes:
        steps: down the gradient, each after the codec and the recognisers.
        drawn: recognisers whose gradient a step takes, in turn; 0 is all of them.
        every: the real codec codes at every so many steps and at the last one; between, the proxy
            tells what changed since.
        seed: of the turn.
    """

    steps: int = 6
    drawn: int = 0
    every: int = 1
    seed: int = 0

    def is_real(self, step: int) -> bool:
        """True for a step whose picture the real codec codes."""
        return step % self.every == 0 or step == self.steps

    def asked(self, names: Sequence[str], step: int) -> Sequence[str]:
        """The recognisers whose loss a step takes."""
        if not 0 < self.drawn < len(names) or step == self.steps:
            return names
        first = self.seed + step * self.drawn
        return [names[(first + place) % len(names)] for place in range(self.drawn)]

    def is_judged(self, names: Sequence[str], step: int) -> bool:
        """True for a step whose picture may be kept: all were asked, or it is of the last turn."""
        asked = len(self.asked(names, step))
        last_turn = self.steps - step < -(-len(names) // asked)
        return self.is_real(step) and (asked == len(names) or last_turn)


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
class Coded:
    """A picture after the real codec, and what the proxy made of it.

    Attributes:
        image: the codec's input.
        x_hat: the decoded picture, (1, 3, H, W).
        bpp: of the file.
        y_hat: the proxy's picture, of that shape.
        r_p: its rate, (1,).
    """

    image: Image
    x_hat: Tensor
    bpp: float
    y_hat: Tensor
    r_p: Tensor

    def moved(self, y_hat: Tensor, r_p: Tensor) -> tuple[Tensor, list[float]]:
        """The decoded picture and its bpp, with the proxy's change since then."""
        x_hat = (self.x_hat + y_hat.detach() - self.y_hat).clamp(0, 1)
        return x_hat, (self.bpp * r_p.detach() / self.r_p).tolist()


@dataclass(frozen=True, eq=False)
class Descent:
    """The search for one picture.

    Attributes:
        image: the original.
        goal: that its clean picture sets.
        objective: L.
        codec: the real one.
        proxy: (x̄, QP) → (ŷ, R_p).
        device: of tensors.
    """

    image: Image
    goal: Goal
    objective: Objective
    codec: Coding
    proxy: TiledProxy
    device: torch.device

    def __call__(self, field: Field, plan: Plan) -> tuple[Tried, Tried]:
        """The unfiltered picture and the best one that was tried."""
        plain = best = self._unfiltered()
        names = list(self.objective.losses)
        adam = torch.optim.Adam(field.groups(), betas=_BETAS)
        for step in range(plan.steps + 1):
            with torch.set_grad_enabled(step < plan.steps):
                x_bar = field.rounded()
                y_hat, r_p = self._proxied(field, x_bar)
                if plan.is_real(step):
                    coded = self._coded(field.as_picture(x_bar, self.image), y_hat, r_p)
                x_hat, rates = (
                    (coded.x_hat, [coded.bpp]) if plan.is_real(step) else coded.moved(y_hat, r_p)
                )
                values = swap_values(x_hat, rates, y_hat, r_p)
                objective = self.objective.of(plan.asked(names, step))
                loss = objective(self.goal, *values)
            if plan.is_judged(names, step):
                judged = loss if len(objective.losses) == len(names) else self._judged(coded)
                best = min(best, _tried(coded.image, coded.bpp, judged), key=lambda one: one.loss)
            if step < plan.steps:
                adam.zero_grad()
                loss.total.sum().backward()  # type: ignore[no-untyped-call]
                adam.step()
        return plain, best

    @torch.no_grad()
    def _unfiltered(self) -> Tried:
        decoded, bpp = self.codec(self.image)
        x_hat = to_tensor([decoded], self.device)
        return _tried(self.image, bpp, self.objective(self.goal, x_hat, x_hat.new_tensor([bpp])))

    def _proxied(self, field: Field, x_bar: Tensor) -> tuple[Tensor, Tensor]:
        """ŷ of the picture's own size, and R_p."""
        y_hat, r_p = field.proxied(self.proxy, x_bar, x_bar.new_tensor(self.goal.qps).round())
        return y_hat[..., : self.image.height, : self.image.width], r_p

    def _coded(self, filtered: Image, y_hat: Tensor, r_p: Tensor) -> Coded:
        decoded, bpp = self.codec(filtered)
        x_hat = to_tensor([decoded], y_hat.device)
        return Coded(filtered, x_hat, bpp, y_hat.detach(), r_p.detach())

    @torch.no_grad()
    def _judged(self, coded: Coded) -> Loss:
        """L by all recognisers."""
        return self.objective(self.goal, coded.x_hat, coded.x_hat.new_tensor([coded.bpp]))


def _tried(image: Image, bpp: float, loss: Loss) -> Tried:
    d_m = {name: float(value.detach()) for name, value in loss.d_m.items()}
    return Tried(image, bpp, float(loss.total.detach()), float(loss.recognition.detach()), d_m)
