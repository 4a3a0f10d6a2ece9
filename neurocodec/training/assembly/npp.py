"""`train-npp`, put together from what the command line says."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from neurocodec import files, registry
from neurocodec.codecs import Codec
from neurocodec.errors import BadInputError, UsageError
from neurocodec.networks import checkpoint, devices, memory
from neurocodec.networks.npp import Npp, grown
from neurocodec.networks.precision import precision
from neurocodec.training import distances, distributed, exchange, loop
from neurocodec.training.assembly import pictures
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.config import Config
from neurocodec.training.data import Split
from neurocodec.training.distances import Distance
from neurocodec.training.exchange import ExchangeRates
from neurocodec.training.npp import NppAlgorithm
from neurocodec.training.quantisation import dct_proxy
from neurocodec.training.state import Progress, Record
from neurocodec.training.validation import Validation

RATES = "exchange_rates.json"
_RATE_PICTURES = 64
SLOPE = "slope"


@dataclass(frozen=True)
class NppOptions:
    """What `train-npp` takes beside the settings of every training.

    Attributes:
        codec: "name:key=value".
        qps: to draw from.
        models: the recognisers, as `recognisers.load` takes them.
        arch: of the preprocessor; None is the paper's, or that of `start`.
        qa: whether it adapts to the QP.
        lmbda: "slope" for the codec's own, a number, or QP=λ pairs.
        start: the name or file of weights to begin with, or None.
        proxies: names or files of weights that `train-proxy` made; none is `dct_proxy`.
        task: of the recognisers, a key of distances.LOSSES.
        loss: "name:key=value", D_m; None is the task's default.
        beta: β, what likeness to the picture weighs.
        partial_views: show the recognisers random parts of the pictures.
        swapping: train with the real codec's values, not the proxy's own.
    """

    codec: str
    qps: Sequence[int]
    models: Sequence[str]
    arch: str | None
    qa: bool
    lmbda: str
    start: str | None
    proxies: Sequence[str] = ()
    task: str = "classification"
    loss: str | None = None
    beta: float = 0.5
    partial_views: bool = False
    swapping: bool = True


def train_npp(options: NppOptions, config: Config, report: Callable[[Record], None]) -> Progress:
    """Train a preprocessor by Algorithm 1.

    Raises:
        UsageError: an option names what is not known or does not fit.
        MissingError: weights cannot be had.
        BadInputError: a file or a picture cannot be read.
        ToolError: the codec failed.
    """
    if options.partial_views and options.task != "classification":
        raise UsageError("--partial-views is for classification")
    if not (options.swapping or options.proxies):
        raise UsageError("--no-swap needs --proxy: a count of coefficients knows no number of bits")
    memory.keep()
    device = devices.resolve(config.device)
    torch.manual_seed(config.seed)
    network = _preprocessor(options).to(device).to(memory_format=torch.channels_last)
    found = pictures.split(config, options.task, options.loss)
    computed = precision(device, amp=config.amp)
    recognised = distances.load(options.models, device.type, computed, options.task, options.loss)
    with CodecPool(options.codec, jobs=config.jobs) as pool:
        rates = distributed.by_first(
            lambda: _rates(pool, recognised, found, options, config, device)
        )
        stand_in, stand_in_name = _proxy(options, pool.codec)
        algorithm = NppAlgorithm(
            network,
            stand_in.to(device),
            stand_in_name,
            pool,
            recognised,
            rates,
            qps=options.qps,
            beta=options.beta,
            partial_views=options.partial_views,
            swapping=options.swapping,
            micro_batch=config.micro_batch,
            seed=config.seed,
            precision=computed,
            validation=Validation(pool, recognised, pictures.validation(found, config), device),
        )
        return loop.train(algorithm, pictures.crops(found, config), config, report)


def _preprocessor(options: NppOptions) -> Npp:
    if options.start is None:
        return Npp(qa=options.qa, arch=options.arch or "npp")
    name = files.display(options.start)
    found, _ = checkpoint.read(options.start, Npp, "preprocessor")
    try:
        larger = grown(found, qa=options.qa, arch=options.arch)
    except UsageError as exc:
        raise UsageError(f"{name}: {exc}") from exc
    return larger.requires_grad_(True)


def _proxy(options: NppOptions, codec: Codec) -> tuple[nn.Module, str]:
    """What stands for the codec, and what tells it from others."""
    if options.proxies:
        from neurocodec.training.assembly import proxy  # compressai: 2 s that others need not wait

        joined, name = proxy.load(options.proxies)
        # In training mode, where its rate has a gradient.
        return joined.train(), name
    chroma = registry.parse(options.codec)[1].get("chroma", codec.chromas[0])
    found = dct_proxy(codec.name, chroma)
    return found, str(found)


def _rates(
    pool: CodecPool,
    recognised: Mapping[str, Distance],
    found: Split,
    options: NppOptions,
    config: Config,
    device: torch.device,
) -> ExchangeRates:
    """Measured, or as the training that is resumed had them."""
    kept = config.output / RATES
    if config.resume and kept.exists():
        return _kept(kept, recognised)
    images = pictures.centres(found, found.training[:_RATE_PICTURES], config.size)
    if options.lmbda == SLOPE:
        rates = exchange.measure(pool, recognised, images, options.qps, device)
    else:
        plain = exchange.measure(pool, {}, images, options.qps, device)
        rates = exchange.given(plain, options.lmbda, recognised)
    files.make_folder(config.output)
    files.write(str(kept), json.dumps(asdict(rates), indent=1).encode())
    return rates


def _kept(path: Path, recognised: Collection[str]) -> ExchangeRates:
    try:
        rates = ExchangeRates(**json.loads(files.read(str(path))))
        known = set(rates.log_lmbda)
    except (ValueError, TypeError) as exc:
        raise BadInputError(f"{files.display(path)}: holds no exchange rates ({exc})") from exc
    if known != set(recognised):
        names = ", ".join(sorted(known))
        raise UsageError(f"{files.display(path)}: this training is for {names}: name these models")
    return rates
