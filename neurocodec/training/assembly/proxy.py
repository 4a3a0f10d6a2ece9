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
_NOUN = "proxy: train one with train-proxy"


@dataclass(frozen=True)
class ProxyOptions:
    """What `train-proxy` takes beside the settings of every training.

    Attributes:
        codec: "name:key=value".
        qps: to train for.
        qa: one network for all of them; else one a QP, each in a folder of its own.
        width: channels of the features.
        latents: channels of the latents.
        start: weights that have stage 1 behind them, whose own width counts, or None.
        first_share: of the steps or minutes that stage 1 takes.
    """

    codec: str
    qps: Sequence[int]
    qa: bool
    width: int
    latents: int
    start: str | None
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
            training = _Training(replace(options, qps=qps), own, found, pool, validation, report)
            progress.append(training.train(device))
        paths = [own.output / WEIGHTS for own, _ in trainings]
        joined, _ = load([str(path) for path in paths])
        whole = ProxyValidation(pool, centres, options.qps, device)
        held_out = distributed.by_first(lambda: whole(joined.to(device)))
    if distributed.is_first():
        files.write(str(config.output / HELD_OUT), json.dumps(held_out, indent=1).encode())
    return TrainedProxies(paths, progress, held_out)


def load(named: Sequence[str]) -> tuple[nn.Module, str]:
    """The proxies of several weights, joined to one that takes every QP, on the processor.

    Args:
        named: installed weights, or paths of files.

    Returns:
        The proxy, and a name that tells it from others.

    Raises:
        UsageError: a weight is another network, or two are for the same QPs.
        MissingError: there is no such weight or file.
        BadInputError: a file holds no network.
    """
    networks: dict[float, nn.Module] = {}
    names = []
    for one in named:
        network, found = checkpoint.read(one, Proxy, _NOUN)
        middle = sum(found.made["qps"]) / 2
        if middle in networks:
            raise UsageError(f"{files.display(one)}: another proxy is for the same QPs")
        networks[middle] = network
        names.append(f"Proxy {found.sha256[:12]}")
    joined = next(iter(networks.values())) if len(networks) == 1 else Proxies(networks)
    return joined, ", ".join(sorted(names))


def _trainings(options: ProxyOptions, config: Config) -> list[tuple[Config, Sequence[int]]]:
    if options.qa or len(options.qps) == 1:
        return [(config, options.qps)]
    outputs = {qp: config.output / f"qp-{qp}" for qp in options.qps}
    begun = {qp for qp, output in outputs.items() if _begun(output)}
    # QPs that an interrupted training had not come to are begun, not resumed.
    return [
        (replace(config, output=output, resume=config.resume and (qp in begun or not begun)), [qp])
        for qp, output in outputs.items()
    ]


def _begun(output: Path) -> bool:
    return any((folder / STATE).exists() for folder in (output, output / STAGE_1))


@dataclass(frozen=True, eq=False)
class _Training:
    """The two stages of one network."""

    options: ProxyOptions
    config: Config
    pictures: Split
    pool: CodecPool
    validation: ProxyValidation
    report: Callable[[Record], None]

    def train(self, device: torch.device) -> Progress:
        torch.manual_seed(self.config.seed)
        network = _network(self.options)
        share = 0 if self.options.start else self.options.first_share
        first, second = _stages(self.config, share)
        if first is not None:
            self._stage(network.to(device), first, mimics=False)
            network, _ = checkpoint.read(str(first.output / WEIGHTS), Proxy, _NOUN)
            network.requires_grad_(True)
        return self._stage(network.to(device), second, mimics=True)

    def _stage(self, network: Proxy, config: Config, *, mimics: bool) -> Progress:
        qps = self.options.qps
        algorithm = ProxyAlgorithm(
            network,
            self.pool,
            mimics=mimics,
            qps=qps,
            micro_batch=config.micro_batch,
            precision=precision(next(network.parameters()).device, amp=config.amp),
            validation=self.validation,
        )
        crops = pictures.crops(self.pictures, config)
        asked = self.pool if mimics else None
        batches = CodedCrops(crops, asked, qps=qps, seed=config.seed)
        return loop.train(algorithm, batches, config, self.report)


def _network(options: ProxyOptions) -> Proxy:
    if options.start is None:
        return Proxy(options.qa, options.width, options.latents)
    found, _ = checkpoint.read(options.start, Proxy, _NOUN)
    if found.config["qa"] != options.qa:
        name = files.display(options.start)
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
