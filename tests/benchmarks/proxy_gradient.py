"""How far down the real codec's loss a proxy's gradient leads, picture by picture.

    .venv/bin/python tests/benchmarks/proxy_gradient.py --data $NEUROCODEC_DATA [--codec jpeg]
        [--proxy runs/proxy/proxy.safetensors]

No network learns: the pictures themselves go down, a few steps of one length, the real codec's
pictures and bits swapped in as in training. The loss is train-npp's, (R + λ·D_m) / R̄ + 30·mse with
the codec's own λ, for two recognisers; then, with steps four times as long since it may change more
of a picture than answers bear, R / R̄ + 300·mse, which asks a proxy's bits alone. What is printed is
the loss before, and after. Beside the proxy that needs no training stand variants of it: without
its dead zone, and with its w halved and doubled. Crops of the training pool.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import click
import torch
from torch import Tensor

from neurocodec.losses import RecogniserLoss, Recognition, quantisation
from neurocodec.losses.pixels import mean_squared_error
from neurocodec.losses.rate import rate_distortion
from neurocodec.measures.slope import Slope
from neurocodec.networks.dct import DctProxy
from neurocodec.networks.swap import round_to_levels
from neurocodec.networks.tensors import to_images, to_tensor
from neurocodec.training import lmbda, proxy
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.config import Config
from neurocodec.training.npp import swapped
from neurocodec.training.report import Report
from neurocodec.training.workbench import workbench

SIDE = 224
MODELS = ("squeezenet1_0.safetensors", "mobilenet_v2_1.0_224.safetensors")
Proxy = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def straight_through(dct: DctProxy) -> Proxy:
    """Its bits, and the picture's gradient as if the codec changed nothing."""
    return lambda x_bar, qp: (x_bar, dct(x_bar, qp)[1])


def widened(codec: str, factor: float) -> Proxy:
    """The proxy with another w."""
    dct = quantisation.dct_proxy(codec)
    dct._widening *= factor
    return dct


def loss(
    z: Tensor,
    *,
    x: Tensor,
    qp: Tensor,
    proxied: Proxy,
    pool: CodecPool,
    losses: Mapping[str, RecogniserLoss],
    slopes: Mapping[str, Slope],
    beta: float,
) -> Tensor:
    x_bar = round_to_levels(z)
    qps = [int(one) for one in qp]
    coded = pool.submit(to_images(x_bar), qps)()
    y_hat, r_p = swapped(coded, *proxied(x_bar, qp))
    shares = [
        torch.from_numpy(slopes[name].lmbda(qps)) * d_m(d_m.target(x, [None] * len(x)), y_hat)
        for name, d_m in losses.items()
    ]
    weighted = torch.stack(shares).mean(0) if shares else torch.zeros_like(r_p)
    mean_rate = torch.from_numpy(next(iter(slopes.values())).mean_rate(qps))
    cost = rate_distortion(r_p, weighted, mean_rate)
    return (cost + beta * mean_squared_error(x_bar, x)).mean()


def descended(value: Callable[[Tensor], Tensor], x: Tensor, steps: int, length: float) -> float:
    """The loss after some steps of `length` (root mean square, samples of 0 to 1) a picture."""
    z = x.clone().requires_grad_()
    for _ in range(steps):
        (slope,) = torch.autograd.grad(value(z), z)
        size = slope.square().mean((1, 2, 3), keepdim=True).sqrt()
        z = (z - length * slope / size).detach().requires_grad_()
    return float(value(z).detach())


@click.command(help=__doc__)
@click.option("--data", default=lambda: os.environ.get("NEUROCODEC_DATA"), type=Path, required=True)
@click.option("--codec", default="bpg", show_default=True)
@click.option("--proxy", "proxies", type=Path, multiple=True, help="Of train-proxy, too.")
@click.option("--qp", "qps", type=int, multiple=True, default=(28, 34, 41), show_default=True)
@click.option("--pictures", default=24, show_default=True)
@click.option("--steps", default=6, show_default=True)
@click.option("--length", default=0.001, show_default=True, help="Of a step.")
@click.option("--jobs", default=2, show_default=True)
def main(
    data: Path,
    codec: str,
    proxies: tuple[Path, ...],
    qps: tuple[int, ...],
    pictures: int,
    steps: int,
    length: float,
    jobs: int,
) -> None:
    models = [str(data / "models" / name) for name in MODELS]
    config = Config(
        Path(),
        data / "train-pool",
        size=SIDE,
        validation=pictures,
        jobs=jobs,
        device="cpu",
        amp=True,
    )
    name = codec.partition(":")[0]
    dct = quantisation.dct_proxy(name)
    learned: dict[str, Proxy] = {str(path): proxy.load([str(path)])[0].train() for path in proxies}
    recognising = {"DCT": dct, "DCT, no dead zone": straight_through(dct)}
    of_bits = {"DCT": dct, "DCT, w / 2": widened(name, 0.5), "DCT, 2 w": widened(name, 2)}
    with workbench(config, Report(), codec, Recognition(models)) as bench:
        slopes = lmbda.measure(bench)
        x = to_tensor(bench.kept_apart)
        for qp in qps:
            qp_of = torch.full((len(x),), float(qp))
            common = {"x": x, "qp": qp_of, "pool": bench.pool, "slopes": slopes}
            recognising_loss = partial(loss, **common, losses=bench.losses, beta=30.0)
            without = partial(loss, **common, losses={}, beta=300.0)
            compare(
                f"QP {qp}, R + λ·D_m", recognising_loss, recognising | learned, x, steps, length
            )
            compare(f"QP {qp}, R", without, of_bits | learned, x, steps, 4 * length)


def compare(
    title: str,
    value: Callable[..., Tensor],
    proxies: dict[str, Proxy],
    x: Tensor,
    steps: int,
    length: float,
) -> None:
    before = float(value(x, proxied=next(iter(proxies.values()))))
    after = []
    for name, proxied in proxies.items():
        torch.manual_seed(0)  # a learned proxy adds noise
        after.append(f"{name} {descended(partial(value, proxied=proxied), x, steps, length):.3f}")
    print(f"{title}: {before:.3f} before; {'; '.join(after)}", flush=True)


if __name__ == "__main__":
    main()
