"""Algorithm 1 of "Preprocessing Enhanced Image Compression for Machine Vision".

    x̄ ← npp(x, QP)                               rounded to 1/255: the codec's input
    x̂, R ← codec(x̄, QP)                          the real one, in other processes, no gradient
    ŷ, R_p ← proxy(x̄, QP)
    ŷ.data ← x̂.data, R_p.data ← R.data           value swapping; R_p first times R / R_p, so that
                                                 a proxy that is off by a factor does no harm
    L ← (R_p + λ·D_m(task(ŷ))) / R̄ + β·mse(x, x̄)
    npp ← npp − η·∂L/∂npp                        nothing else learns

The task may see random crops of ŷ and of the clean picture (random_crops.py). λ and R̄ are the
codec's at each QP (lmbda.py). With npp-light and two small recognisers a step of 8 pictures took
1.7 s on two cores that trained a second filter (BPG, --amp).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neurocodec import files, registry
from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.losses import Recognition, described
from neurocodec.losses.algorithm1 import Goal, Objective
from neurocodec.losses.pixels import mean_squared_error
from neurocodec.losses.quantisation import dct_proxy
from neurocodec.networks import checkpoint
from neurocodec.networks.npp import Npp, grown
from neurocodec.networks.swap import round_to_levels, swap_values
from neurocodec.networks.tensors import to_images, to_tensor
from neurocodec.training import distributed, loop
from neurocodec.training.codec_pool import Coded
from neurocodec.training.config import Config
from neurocodec.training.crops import ground_truth_of
from neurocodec.training.data import draw_qps
from neurocodec.training.lmbda import SLOPE, slopes
from neurocodec.training.loop import Trained
from neurocodec.training.random_crops import RandomCrop, cropped, draw_crops
from neurocodec.training.report import Record, Report
from neurocodec.training.state import per_picture
from neurocodec.training.validation import Scores
from neurocodec.training.workbench import Workbench, workbench

Part = tuple[list[Image], list[int], list[RandomCrop]]


@dataclass(frozen=True)
class NppOptions:
    """The options of `train-npp` beside those of every training.

    Attributes:
        codec: "name:key=value".
        qps: to draw from.
        recognition: the recognisers and D_m.
        arch: of the preprocessor; None is the paper's, or that of `start`.
        qa: adapt the preprocessor to the QP.
        start: name or file of weights to begin with, or None.
        lmbda: "slope" for the codec's, a number, or QP=λ pairs.
        beta: β, the weight of the squared error between picture and filtered picture.
        random_crops: show the recognisers random crops.
        drawn: recognisers that a micro-batch is shown to, drawn at random; None is all.
        proxies: names or files of weights of `train-proxy`; none is `dct_proxy`.
        swapping: use the real codec's values, not the proxy's; without it no codec takes part
            (the paper's ablation, NPP+Minnen).
    """

    codec: str
    qps: Sequence[int]
    recognition: Recognition
    arch: str | None = None
    qa: bool = True
    start: str | None = None
    lmbda: str = SLOPE
    beta: float = 0.5
    random_crops: bool = False
    drawn: int | None = None
    proxies: Sequence[str] = ()
    swapping: bool = True


def train(options: NppOptions, config: Config, report: Report) -> Trained:
    """Train a preprocessor by Algorithm 1."""
    if options.random_crops and options.recognition.task != "classification":
        raise UsageError("--random-crops is for classification")
    if not (options.swapping or options.proxies):
        raise UsageError("--no-swap needs --proxy: a count of coefficients knows no number of bits")
    if options.drawn is not None and options.drawn > len(options.recognition.models):
        raise UsageError(f"--drawn {options.drawn} wants as many --model at least")
    with workbench(config, report, options.codec, options.recognition) as bench:
        torch.manual_seed(config.seed)
        network = _preprocessor(options).to(bench.device).to(memory_format=torch.channels_last)
        lmbda = slopes(bench, options.lmbda)
        proxy, proxy_name = _proxy(options, bench)
        objective = Objective(bench.losses, lmbda, options.beta)
        algorithm = NppAlgorithm(options, bench, network, proxy, proxy_name, objective)
        return loop.train(algorithm, bench.crops(), bench.config, report)


def _preprocessor(options: NppOptions) -> Npp:
    if options.start is None:
        return Npp(qa=options.qa, arch=options.arch or "npp")
    start, _ = checkpoint.read(options.start, Npp, "preprocessor")
    try:
        larger = grown(start, qa=options.qa, arch=options.arch)
    except UsageError as exc:
        raise UsageError(f"{files.display(options.start)}: {exc}") from exc
    return larger.requires_grad_(True)


def _proxy(options: NppOptions, bench: Workbench) -> tuple[nn.Module, str]:
    """The proxy, and a name that tells it from others."""
    if options.proxies:
        from neurocodec.training import proxy  # compressai: 2 s that others need not wait

        joined, name = proxy.load(options.proxies)
        return joined.to(bench.device).train(), name  # the rate has a gradient in training mode
    codec = bench.pool.codec
    chroma = registry.parse(options.codec)[1].get("chroma", codec.chromas[0])
    counted = dct_proxy(codec.name, chroma)
    return counted.to(bench.device), str(counted)


@dataclass(frozen=True, eq=False)
class InFlight:
    """A micro-batch between the preprocessor and the codec's result."""

    x: Tensor
    x_bar: Tensor  # (N, 3, H, W), the codec's input; a leaf, so that g_p can be read off it
    filtered: Tensor  # the same values, with the preprocessor's graph behind them
    qp: Tensor
    objective: Objective  # by the recognisers drawn
    goal: Goal  # its one view is the same random crop of clean and decoded pictures
    coded: Callable[[], list[Coded]] | None  # None where no values are swapped


@dataclass(frozen=True, eq=False)
class NppAlgorithm:
    """The preprocessor's training step."""

    options: NppOptions
    bench: Workbench
    network: nn.Module
    proxy: nn.Module  # (x̄, QP) → (ŷ, R_p); frozen
    proxy_name: str
    objective: Objective

    kind = "npp"

    def gradients(self, images: list[Image], step: int) -> Record:
        """Algorithm 1 but for its last line, on one batch."""
        self.network.train()
        parts = self._parts(images, step)
        filtered, gradients, records = [], [], []
        objectives = self._objectives(len(parts), step)
        following = self._submit(objectives[0], *parts[0])
        for place in range(len(parts)):
            current = following
            with self.bench.precision:
                proxied = self.proxy(current.x_bar, current.qp)  # while the codec works
            if place + 1 < len(parts):
                following = self._submit(objectives[place + 1], *parts[place + 1])
            loss, record = self._loss(current, *proxied)
            (g_p,) = torch.autograd.grad(loss / len(images), current.x_bar)
            filtered.append(current.filtered)
            gradients.append(g_p)
            records.append(record)
        torch.autograd.backward(filtered, gradients)
        return per_picture(records, len(images))

    def validate(self, network: nn.Module) -> Scores:
        """BD-rates on the pictures kept apart."""
        return self.bench.validation(network)

    def describe(self) -> dict[str, Any]:
        """Codec, proxy, QPs, task, loss, recognisers, λ and R̄."""
        codec = self.bench.pool.codec
        return {
            "codec": codec.name,
            "encoder": codec.encoder,
            "proxy": self.proxy_name,
            "qps": [min(self.options.qps), max(self.options.qps)],
            **described(self.bench.losses),
            "lmbda": self.options.lmbda,
            "slopes": {name: asdict(slope) for name, slope in self.objective.slopes.items()},
            "beta": self.options.beta,
            "random_crops": self.options.random_crops,
            "drawn": self.options.drawn,
            "swapping": self.options.swapping,
        }

    def _parts(self, images: list[Image], step: int) -> list[Part]:
        """The micro-batches of a batch: pictures, QPs and random crops."""
        count, seed = len(images), self.bench.config.seed
        qps = draw_qps(self.options.qps, count, seed=seed, step=step)
        crops = draw_crops(count, seed=seed, step=step) if self.options.random_crops else []
        size = self.bench.config.micro_batch
        places = [slice(start, start + size) for start in range(0, count, size)]
        return [(images[place], qps[place], crops[place]) for place in places]

    def _objectives(self, count: int, step: int) -> list[Objective]:
        """L of each of `count` micro-batches of a step: this process's of those of all."""
        if self.options.drawn is None:
            return [self.objective] * count
        rng = np.random.default_rng([self.bench.config.seed, 5, step])
        names, total = list(self.objective.losses), count * distributed.processes()
        drawn = [rng.choice(names, self.options.drawn, replace=False) for _ in range(total)]
        own = distributed.share(drawn)
        return [self.objective.of([str(name) for name in some]) for some in own]

    def _submit(
        self,
        objective: Objective,
        images: list[Image],
        qps: list[int],
        crops: list[RandomCrop],
    ) -> InFlight:
        x = to_tensor(images, self.bench.device)
        qp = torch.as_tensor(qps, dtype=torch.float32, device=x.device)
        with self.bench.precision:
            filtered = round_to_levels(self.network(x, qp))
        swapping = self.options.swapping
        coded = self.bench.pool.submit(to_images(filtered), qps) if swapping else None
        views = [partial(cropped, crops=crops)]
        goal = objective.goal(x, ground_truth_of(images), views, qps)
        x_bar = filtered.detach().requires_grad_()
        return InFlight(x, x_bar, filtered, qp, objective, goal, coded)

    def _loss(self, batch: InFlight, y_hat: Tensor, r_p: Tensor) -> tuple[Tensor, Record]:
        """The sum of L over the micro-batch, and sums of its terms."""
        if batch.coded is not None:
            y_hat, r_p = swapped(batch.coded(), y_hat, r_p)
        mse = mean_squared_error(batch.x_bar, batch.x)
        loss = batch.objective(batch.goal, y_hat, r_p, mse)
        record = {"loss": loss.total.sum(), "bpp": r_p.sum(), "mse": mse.sum()}
        record["recognition"] = loss.recognition.sum()
        if self.options.drawn is None:
            record |= {f"d_m.{name}": d_m.sum() for name, d_m in loss.d_m.items()}
        return record["loss"], {key: float(value.detach()) for key, value in record.items()}


def swapped(coded: Sequence[Coded], y_hat: Tensor, r_p: Tensor) -> tuple[Tensor, Tensor]:
    """ŷ, (N, 3, H, W), and R_p, (N,), with the codec's values (see `swap_values`)."""
    x_hat = to_tensor([one.image for one in coded], y_hat.device)
    return swap_values(x_hat, [one.bpp for one in coded], y_hat, r_p)
