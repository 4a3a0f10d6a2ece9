"""Algorithm 1 of "Preprocessing Enhanced Image Compression for Machine Vision".

    x̄ ← npp(x, QP)                               rounded to 1/255: what the codec sees
    x̂, R ← codec(x̄, QP)                          the real one, in other processes, no gradient
    ŷ, R_p ← proxy(x̄, QP)
    ŷ.data ← x̂.data, R_p.data ← R.data           value swapping; R_p first times R / R_p, so that
                                                 a proxy that is off by a factor does no harm
    L ← (R_p + λ·D_m(task(ŷ))) / R̄ + β·mse(x, x̄)
    npp ← npp − η·∂L/∂npp                        nothing else learns

Of ŷ, as of the clean picture, the task may be shown a random part only (views.py).
λ and R̄ are the codec's own at each QP (exchange.py). With npp-light and two small
recognisers a step of 8 pictures took 1.7 s on two cores that trained a second filter (BPG, --amp).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from neurocodec.images import Image
from neurocodec.losses.error import mean_squared_error
from neurocodec.losses.rate import rate_distortion
from neurocodec.networks.precision import Precision
from neurocodec.networks.swap import round_to_levels, swap
from neurocodec.networks.tensors import to_images, to_tensor
from neurocodec.training.codec_pool import CodecPool, Coded
from neurocodec.training.data import draw_qps, truths_of
from neurocodec.training.distances import Distance, objective
from neurocodec.training.exchange import ExchangeRates
from neurocodec.training.state import Record, averaged
from neurocodec.training.views import View, draw_views, seen

Part = tuple[list[Image], list[int], list[View]]


@dataclass(frozen=True, eq=False)
class InFlight:
    """A micro-batch between the preprocessor and the codec's answer."""

    x: Tensor
    x_bar: Tensor  # (N, 3, H, W), as the codec sees it; a leaf, so that g_p can be read off it
    filtered: Tensor  # the same values, with the preprocessor's graph behind them
    qp: Tensor
    views: list[View]  # of the recognisers, clean and decoded alike; none is the whole picture
    answers: Mapping[str, Any]  # that the decoded pictures should get, by recogniser
    coded: Callable[[], list[Coded]] | None  # nothing where no values are swapped


class NppAlgorithm:
    """The preprocessor's training step."""

    kind = "npp"

    def __init__(
        self,
        network: nn.Module,
        proxy: nn.Module,
        proxy_name: str,
        pool: CodecPool,
        distances: Mapping[str, Distance],
        rates: ExchangeRates,
        *,
        qps: Sequence[int],
        beta: float,
        partial_views: bool,
        swapping: bool,
        micro_batch: int,
        seed: int,
        precision: Precision,
        validation: Callable[[nn.Module], Record],
    ) -> None:
        """Put the step together.

        Args:
            network: npp, that learns.
            proxy: (x̄, QP) → (ŷ, R_p); frozen.
            proxy_name: what tells it from others.
            pool: the real codec.
            distances: by recogniser, D_m of clean and decoded pictures, (N,).
            rates: λ and R̄.
            qps: to draw from, evenly.
            beta: β, what likeness to the picture weighs.
            partial_views: show the recognisers random parts of the pictures.
            swapping: put the real codec's values in the place of the proxy's; else the codec takes
                no part (the paper's ablation, NPP+Minnen).
            micro_batch: pictures that go to the codec together.
            seed: of the QPs and views.
            precision: that networks compute in.
            validation: scores a network.
        """
        self.network = network
        self.validate = validation
        self._proxy = proxy
        self._proxy_name = proxy_name
        self._pool = pool
        self._distances = distances
        self._rates = rates
        self._qps = qps
        self._beta = beta
        self._partial_views = partial_views
        self._swapping = swapping
        self._micro_batch = micro_batch
        self._seed = seed
        self._precision = precision

    def gradients(self, images: list[Image], step: int) -> Record:
        """Algorithm 1 but for its last line, on one batch."""
        self.network.train()
        parts = self._parts(images, step)
        filtered, gradients, records = [], [], []
        following = self._submit(*parts[0])
        for place in range(len(parts)):
            current = following
            with self._precision:
                proxied = self._proxy(current.x_bar, current.qp)  # while the codec works
            if place + 1 < len(parts):
                following = self._submit(*parts[place + 1])
            loss, record = self._loss(current, *proxied)
            (g_p,) = torch.autograd.grad(loss / len(images), current.x_bar)
            filtered.append(current.filtered)
            gradients.append(g_p)
            records.append(record)
        torch.autograd.backward(filtered, gradients)
        return averaged(records, len(images))

    def made(self) -> dict[str, Any]:
        """Codec, proxy, QPs, task, loss, recognisers, λ and R̄."""
        return {
            "codec": self._pool.codec.name,
            "encoder": self._pool.codec.encoder,
            "proxy": self._proxy_name,
            "qps": [min(self._qps), max(self._qps)],
            **objective(self._distances),
            "exchange_rates": asdict(self._rates),
            "beta": self._beta,
            "partial_views": self._partial_views,
            "swapping": self._swapping,
        }

    def _parts(self, images: list[Image], step: int) -> list[Part]:
        """The micro-batches of a batch: pictures, QPs and views."""
        count = len(images)
        qps = draw_qps(self._qps, count, seed=self._seed, step=step)
        views = draw_views(count, seed=self._seed, step=step) if self._partial_views else []
        size = self._micro_batch
        places = [slice(start, start + size) for start in range(0, count, size)]
        return [(images[place], qps[place], views[place]) for place in places]

    def _submit(self, images: list[Image], qps: list[int], views: list[View]) -> InFlight:
        device = next(self.network.parameters()).device
        x = to_tensor(images, device)
        qp = torch.as_tensor(qps, dtype=torch.float32, device=device)
        with self._precision:
            filtered = round_to_levels(self.network(x, qp))
        coded = self._pool.submit(to_images(filtered), qps) if self._swapping else None
        truths = truths_of(images)
        clean = seen(x, views)
        answers = {
            name: distance.answer(clean, truths) for name, distance in self._distances.items()
        }
        x_bar = filtered.detach().requires_grad_()
        return InFlight(x, x_bar, filtered, qp, views, answers, coded)

    def _loss(self, batch: InFlight, y_hat: Tensor, r_p: Tensor) -> tuple[Tensor, Record]:
        """The sum of L over the micro-batch, and sums of what it is made of."""
        if batch.coded is not None:
            y_hat, r_p = swapped(batch.coded(), y_hat, r_p)
        decoded = seen(y_hat, batch.views)
        shares = {
            name: distance(batch.answers[name], decoded)
            for name, distance in self._distances.items()
        }
        weighted = [self._rates.lmbda(name, batch.qp) * d_m for name, d_m in shares.items()]
        # One λ·D_m for several recognisers: the mean, so that bits and answers weigh as with one.
        d_m = torch.stack(weighted).mean(0)
        cost = rate_distortion(r_p, d_m, self._rates.mean_rate(batch.qp))
        mse = mean_squared_error(batch.x_bar, batch.x)
        loss = (cost + self._beta * mse).sum()
        record = {"loss": loss, "bpp": r_p.sum(), "mse": mse.sum()}
        record |= {f"d_m.{name}": d_m.sum() for name, d_m in shares.items()}
        return loss, {key: float(value.detach()) for key, value in record.items()}


def swapped(coded: Sequence[Coded], y_hat: Tensor, r_p: Tensor) -> tuple[Tensor, Tensor]:
    """ŷ and R_p with the real codec's values, R_p's gradient times R / R_p.

    Args:
        coded: X̂ and R.
        y_hat: ŷ, (N, 3, H, W) in about [0, 1].
        r_p: R_p, (N,), above 0.
    """
    x_hat = to_tensor([one.image for one in coded], y_hat.device)
    r = torch.tensor([one.bpp for one in coded], dtype=r_p.dtype, device=r_p.device)
    return swap(x_hat, y_hat), swap(r, r_p * (r / r_p).detach())
