"""How far down the real codec's loss a proxy's gradient leads, picture by picture.

    .venv/bin/python tests/benchmarks/proxy_gradient.py --data $NEUROCODEC_DATA [--codec jpeg]
        [--proxy runs/proxy/proxy.safetensors]

No network learns: the pictures themselves go down, a few steps of one length, the real codec's
pictures and bits swapped in as in training. The loss is train-npp's, (R + λ·D_m) / R̄ + β·mse with
the codec's own λ, and without D_m: a bad gradient of the pictures ruins the first, one of the bits
both. What is printed is the loss before, and after. Two recognisers; crops of the training pool.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import torch
from torch import Tensor

from neurocodec.networks.dct import DctProxy
from neurocodec.networks.precision import precision
from neurocodec.networks.swap import round_to_levels, swap
from neurocodec.networks.tensors import to_images, to_tensor
from neurocodec.training import distances, exchange, quantisation
from neurocodec.training.assembly import proxy
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.data import centre_crop, read, split
from neurocodec.training.distances import Distance
from neurocodec.training.exchange import ExchangeRates

SIDE = 224
MODELS = ("squeezenet1_0.safetensors", "mobilenet_v2_1.0_224.safetensors")
BETAS = {"bits, recognition": 30.0, "bits alone": 300.0}
Proxy = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def straight_through(dct: DctProxy) -> Proxy:
    """Its bits, and the picture's gradient as if the codec changed nothing."""
    return lambda x_bar, qp: (x_bar, dct(x_bar, qp)[1])


def loss(
    z: Tensor,
    *,
    x: Tensor,
    qp: Tensor,
    proxied: Proxy,
    pool: CodecPool,
    recognised: dict[str, Distance],
    rates: ExchangeRates,
    beta: float,
) -> Tensor:
    x_bar = round_to_levels(z)
    coded = pool.submit(to_images(x_bar), [int(one) for one in qp])()
    y_hat, r_p = proxied(x_bar, qp)
    r = torch.tensor([one.bpp for one in coded])
    y_hat = swap(to_tensor([one.image for one in coded]), y_hat)
    shares = [
        rates.lmbda(name, qp) * distance(distance.answer(x, [None] * len(x)), y_hat)
        for name, distance in recognised.items()
    ]
    cost = swap(r, r_p * (r / r_p).detach()) + sum(shares) / max(len(shares), 1)
    mse = (x_bar - x).square().mean((1, 2, 3))
    return (cost / rates.mean_rate(qp) + beta * mse).mean()


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
    computed = precision(torch.device("cpu"), amp=True)
    models = [str(data / "models" / name) for name in MODELS]
    found = split(data / "train-pool", None)
    crops = [centre_crop(read(path, {}), SIDE) for path in found.validation[:pictures]]
    dct = quantisation.dct_proxy(codec.partition(":")[0])
    known: dict[str, Proxy] = {"DCT, straight through": straight_through(dct), "DCT": dct}
    known |= {str(path): proxy.load([path]).train() for path in proxies}
    with CodecPool(codec, jobs=jobs) as pool:
        recognised = distances.load(models, "cpu", computed, "classification", None)
        rates = exchange.measure(pool, recognised, crops, range(22, 46), torch.device("cpu"))
        x = to_tensor(crops)
        for qp in qps:
            at = torch.full((len(x),), float(qp))
            for goal, beta in BETAS.items():
                judges = {} if goal == "bits alone" else recognised
                # Bits alone may change more of a picture than answers bear.
                step = length * (4 if goal == "bits alone" else 1)
                common = {"pool": pool, "recognised": judges, "rates": rates, "beta": beta}
                for name, proxied in known.items():
                    value = partial(loss, x=x, qp=at, proxied=proxied, **common)
                    before = descended(value, x, 0, step)
                    after = descended(value, x, steps, step)
                    print(f"QP {qp}, {goal}: {name}: {before:.3f} to {after:.3f}", flush=True)


if __name__ == "__main__":
    main()
