"""`train-proxy`, put together from what the command line says."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from neurocodec import files
from neurocodec.errors import UsageError
from neurocodec.networks import checkpoint, devices, memory
from neurocodec.networks.precision import precision
from neurocodec.networks.proxy import Proxies, Proxy
from neurocodec.training import data, distributed, loop
from neurocodec.training.assembly import pictures
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.config import Config
from neurocodec.training.data import Split
from neurocodec.training.proxy import CodedCrops, ProxyAlgorithm
from neurocodec.training.state import STATE, Progress, Record
from neurocodec.training.validation import ProxyValidation

WEIGHTS = "proxy.safetensors"
STAGE_1 = "rate-distortion"
HELD_OUT = "held_out.json"


@dataclass(frozen=True)
class ProxyOptions:
    """What `train-proxy` takes beside the settings of every training.

    Attributes:
        codec: "name:key=value".
        qps: to train for.
        qa: one network for all of them; else one a QP, each in a folder of its own.
        width: channels of the features, None for the networks' own.
        latents: channels of the latents, likewise.
        start: weights that have stage 1 behind them, or None.
        first_share: of the steps or minutes that stage 1 takes.
    """

    codec: str
    qps: Sequence[int]
    qa: bool
    width: int
    latents: int
    start: Path | None
    first_share: float


@dataclass(frozen=True)
class TrainedProxies:
    """What a `train-proxy` left.

    Attributes:
        paths: of the weights.
        progress: of each stage 2.
        held_out: how near to the codec they are on pictures kept apart.
    """

    paths: Sequence[Path]
    progress: Sequence[Progress]
    held_out: Record


def train_proxy(
    options: ProxyOptions, config: Config, report: Callable[[Record], None]
) -> TrainedProxies:
    """Train a proxy of a codec, or one a QP.

    Raises:
        UsageError: an option names what is not known or does not fit.
        BadInputError: a file or a picture cannot be read.
        ToolError: the codec failed.
    """
    memory.keep()
    device = devices.resolve(config.device)
    found = data.split(config.data, config.validation)
    centres = pictures.centres(found, found.validation, config.size)
    trainings = _trainings(options, config)
    progress = []
    with CodecPool(options.codec, jobs=config.jobs) as pool:
        for own, qps in trainings:
            validation = ProxyValidation(pool, centres, qps, device)
            training = _Training(own, found, pool, qps, device, validation, report)
            progress.append(training.train(replace(options, qps=qps)))
        paths = [own.output / WEIGHTS for own, _ in trainings]
        networks = load(paths).to(device)
        validation = ProxyValidation(pool, centres, options.qps, device)
        held_out = distributed.by_first(lambda: validation(networks))
    if distributed.is_first():
        files.write(str(config.output / HELD_OUT), json.dumps(held_out, indent=1).encode())
    return TrainedProxies(paths, progress, held_out)


def load(paths: Sequence[Path]) -> nn.Module:
    """The proxies in weights files, joined to one that takes every QP, on the processor.

    Raises:
        UsageError: a file holds another network.
        BadInputError: a file cannot be read.
    """
    networks: dict[float, nn.Module] = {}
    for path in paths:
        name = files.display(path)
        found = checkpoint.load(files.read(str(path)), name)
        if not isinstance(found.network, Proxy):
            raise UsageError(f"{name}: is no proxy: train one with train-proxy")
        networks[sum(found.made["qps"]) / 2] = found.network
    return next(iter(networks.values())) if len(networks) == 1 else Proxies(networks)


def _trainings(options: ProxyOptions, config: Config) -> list[tuple[Config, Sequence[int]]]:
    if options.qa or len(options.qps) == 1:
        return [(config, options.qps)]
    return [(replace(config, output=config.output / f"qp-{qp}"), [qp]) for qp in options.qps]


@dataclass(frozen=True, eq=False)
class _Training:
    """The two stages of one network."""

    config: Config
    pictures: Split
    pool: CodecPool
    qps: Sequence[int]
    device: torch.device
    validation: ProxyValidation
    report: Callable[[Record], None]

    def train(self, options: ProxyOptions) -> Progress:
        torch.manual_seed(self.config.seed)
        network = _network(options)
        first, second = _stages(self.config, 0 if options.start else options.first_share)
        if first is not None:
            self._stage(network, first, mimics=False)
            done = checkpoint.load(files.read(str(first.output / WEIGHTS)), str(first.output))
            network = done.network.requires_grad_(True)
        return self._stage(network, second, mimics=True)

    def _stage(self, network: nn.Module, config: Config, *, mimics: bool) -> Progress:
        algorithm = ProxyAlgorithm(
            network.to(self.device),
            self.pool,
            mimics=mimics,
            qps=self.qps,
            micro_batch=config.micro_batch,
            precision=precision(self.device, amp=config.amp),
            validation=self.validation,
        )
        crops = pictures.crops(self.pictures, config)
        coded = CodedCrops(crops, self.pool, qps=self.qps, seed=config.seed)
        return loop.train(algorithm, coded, config, self.report)


def _network(options: ProxyOptions) -> nn.Module:
    if options.start is None:
        return Proxy(options.qa, options.width, options.latents)
    name = files.display(options.start)
    found = checkpoint.load(files.read(str(options.start)), name).network
    if not isinstance(found, Proxy):
        raise UsageError(f"{name}: is no proxy")
    if found.config["qa"] != options.qa:
        raise UsageError(f"{name}: " + ("has no QA: add --no-qa" if options.qa else "has QA"))
    return found.requires_grad_(True)


def _stages(config: Config, share: float) -> tuple[Config | None, Config]:
    """The settings of stage 1, if there is one, and of stage 2."""
    if not share:
        return None, config
    first = replace(config, output=config.output / STAGE_1)
    # What was interrupted in stage 1 has no stage 2 to resume yet.
    begun = config.resume and not (config.output / STATE).exists()
    second = replace(config, resume=False) if begun else config
    steps, minutes = config.max_steps, config.max_minutes
    of_first = None if steps is None else max(1, round(steps * share))
    of_second = None if steps is None or of_first is None else max(1, steps - of_first)
    shares = [None if minutes is None else minutes * part for part in (share, 1 - share)]
    return (
        replace(first, max_steps=of_first, max_minutes=shares[0]),
        replace(second, max_steps=of_second, max_minutes=shares[1]),
    )
