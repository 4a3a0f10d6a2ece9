"""L of Algorithm 1 of "Preprocessing Enhanced Image Compression for Machine Vision", equation 1.

    L = (R_p + λ·D_m) / R̄ + β·mse(x, x̄)

R_p and ŷ have the real codec's values and the proxy's gradient (networks/swap.py). D_m is the mean
over the recognisers, so that recognition weighs the same for one or several, and over the views
that they are shown of a picture. λ and R̄ are the codec's at each QP (measures/slope.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from neurocodec.losses.rate import rate_distortion
from neurocodec.losses.recogniser_loss import RecogniserLoss
from neurocodec.measures.slope import Slope

View = Callable[[Tensor], Tensor]
"""What a recogniser is shown of pictures (N, 3, H, W): (N, 3, h, w), differentiably."""


@dataclass(frozen=True, eq=False)
class Goal:
    """The goal for the decoded pictures of a batch.

    Attributes:
        views: what the recognisers are shown of every picture.
        targets: of each view, the goal for the predictions on it, by recogniser.
        qps: of the pictures, (N,), on BPG's scale.
    """

    views: Sequence[View]
    targets: Sequence[Mapping[str, Any]]
    qps: Sequence[float]


@dataclass(frozen=True, eq=False)
class Loss:
    """L of every picture, and its terms; all are (N,).

    Attributes:
        total: L.
        rate: R_p, bpp.
        recognition: λ·D_m, bpp, the mean over the recognisers.
        d_m: by recogniser.
    """

    total: Tensor
    rate: Tensor
    recognition: Tensor
    d_m: Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Objective:
    """L of Algorithm 1 for a batch of pictures.

    Attributes:
        losses: D_m by recogniser.
        slopes: λ and R̄ by recogniser; R̄ is the same in all.
        beta: β, the weight of the squared error.
    """

    losses: Mapping[str, RecogniserLoss]
    slopes: Mapping[str, Slope]
    beta: float = 0.0

    def of(self, names: Sequence[str]) -> "Objective":
        """The same by some of the recognisers."""
        return replace(self, losses={name: self.losses[name] for name in names})

    def goal(
        self,
        clean: Tensor,
        ground_truth: Sequence[Any],
        views: Sequence[View],
        qps: Sequence[float],
    ) -> Goal:
        """The goal that the clean pictures set.

        Args:
            clean: x, (N, 3, H, W) in [0, 1].
            ground_truth: of each picture; None serves all losses but "labels".
            views: what the recognisers are shown of every picture.
            qps: on BPG's scale, one a picture.
        """
        targets = [
            {name: loss.target(view(clean), ground_truth) for name, loss in self.losses.items()}
            for view in views
        ]
        return Goal(views, targets, qps)

    def __call__(self, goal: Goal, y_hat: Tensor, r_p: Tensor, mse: Tensor | float = 0.0) -> Loss:
        """L of every picture.

        Of several views each is computed anew for its gradient, so that memory holds one.

        Args:
            goal: from `goal`, of the same pictures.
            y_hat: ŷ, (N, 3, H, W), the decoded pictures.
            r_p: R_p, (N,), bpp.
            mse: mse(x, x̄), (N,).
        """
        seen = [self._seen(goal, place, y_hat) for place in range(len(goal.views))]
        d_m = {name: torch.stack([one[name] for one in seen]).mean(0) for name in self.losses}
        weighted = [self._of_qps(self.slopes[n].lmbda(goal.qps), d) * d for n, d in d_m.items()]
        recognition = torch.stack(weighted).mean(0)
        slope = next(iter(self.slopes.values()))
        cost = rate_distortion(r_p, recognition, self._of_qps(slope.mean_rate(goal.qps), r_p))
        return Loss(cost + self.beta * mse, r_p, recognition, d_m)

    def _seen(self, goal: Goal, place: int, y_hat: Tensor) -> dict[str, Tensor]:
        """D_m of one view by recogniser, (N,) each."""
        targets = goal.targets[place]

        def losses(pictures: Tensor) -> tuple[Tensor, ...]:
            shown = goal.views[place](pictures)
            return tuple(loss(targets[name], shown) for name, loss in self.losses.items())

        if len(goal.views) == 1 or not torch.is_grad_enabled():
            values = losses(y_hat)
        else:
            values = checkpoint(losses, y_hat, use_reentrant=False, preserve_rng_state=False)
        return dict(zip(self.losses, values, strict=True))

    @staticmethod
    def _of_qps(values: Any, like: Tensor) -> Tensor:
        return torch.as_tensor(values).to(like)
