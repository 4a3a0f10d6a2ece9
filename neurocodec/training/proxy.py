"""Section 3.3 of "Preprocessing Enhanced Image Compression for Machine Vision": the proxy codec.

    stage 1   L ← R_p + ‖x − ŷ‖² / λ(QP)         a codec by itself, compressai's mbt2018
    stage 2   L ← R_p + ‖x̂ − ŷ‖² / λ(QP)         x̂ ← codec(x, QP), the real one: the proxy mimics it

with ŷ, R_p ← proxy(x, QP). λ is x265's price of a bit in squared error, so that R_p comes near what
BPG spends on such a picture; every QP's loss is scaled so that all QPs weigh about the same. One
network a QP, as the paper has it, or one for all by quantisation adaptation.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import nn

from neurocodec import files
from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.losses.pixels import mean_squared_error
from neurocodec.losses.rate import mimic
from neurocodec.networks import checkpoint
from neurocodec.networks.proxy import Proxies, Proxy
from neurocodec.networks.tensors import to_tensor
from neurocodec.training import distributed, loop
from neurocodec.training.codec_pool import CodecPool, Coded
from neurocodec.training.config import Config
from neurocodec.training.data import draw_qps
from neurocodec.training.loop import Batches, Trained
from neurocodec.training.report import Record, Report
from neurocodec.training.state import STATE, per_picture
from neurocodec.training.validation import ProxyValidation, Scores
from neurocodec.training.workbench import Workbench, workbench

WEIGHTS = "proxy.safetensors"
STAGE_1 = "rate-distortion"
HELD_OUT = "held_out.json"
_NOUN = "proxy: train one with train-proxy"


@dataclass(frozen=True)
class ProxyOptions:
    """The options of `train-proxy` beside those of every training.

    Attributes:
        codec: "name:key=value".
        qps: to train for, on BPG's scale.
        qa: one network for all QPs; else one a QP, each in a folder of its own.
        width: channels of the features.
        latents: channels of the latents.
        start: weights that have stage 1 behind them, whose width counts, or None.
        first_share: share of the steps or minutes that stage 1 takes.
    """

    codec: str
    qps: Sequence[int]
    qa: bool = True
    width: int = 192
    latents: int = 192
    start: str | None = None
    first_share: float = 0.5


def train(
    options: ProxyOptions, config: Config, report: Report
) -> tuple[Sequence[Trained], Scores]:
    """Train a proxy of a codec, or one a QP: each network's stage 2, and the scores of all."""
    with workbench(config, report, options.codec) as bench:
        trained = [
            _train_one(replace(options, qps=qps), bench, part)
            for part, qps in _trainings(options, bench.config)
        ]
        scores = trained[0].scores
        if len(trained) > 1:
            joined, _ = load([str(one.weights) for one in trained])
            score = _validation(bench, options.qps)
            scores = distributed.by_first(lambda: score(joined.to(bench.device)))
    if distributed.is_first():
        files.write(str(config.output / HELD_OUT), json.dumps(scores.record, indent=1).encode())
    return trained, scores


def _validation(bench: Workbench, qps: Sequence[int]) -> ProxyValidation:
    return ProxyValidation(bench.pool, bench.kept_apart, bench.device, bench.report, qps)


def load(named: Sequence[str]) -> tuple[nn.Module, str]:
    """The proxies of several weights, joined to one for every QP, and a name for it.

    Raises:
        UsageError: a weight is another network, or two are for the same QPs.
    """
    networks: dict[float, nn.Module] = {}
    names = []
    for one in named:
        network, stored = checkpoint.read(one, Proxy, _NOUN)
        middle = sum(stored.made["qps"]) / 2
        if middle in networks:
            raise UsageError(f"{files.display(one)}: another proxy is for the same QPs")
        networks[middle] = network
        names.append(f"Proxy {stored.sha256[:12]}")
    joined = next(iter(networks.values())) if len(networks) == 1 else Proxies(networks)
    return joined, ", ".join(sorted(names))


def _trainings(options: ProxyOptions, config: Config) -> Iterator[tuple[Config, Sequence[int]]]:
    """The settings of every network's training, with its QPs."""
    if options.qa or len(options.qps) == 1:
        yield config, options.qps
        return
    outputs = {qp: config.output / f"qp-{qp}" for qp in options.qps}
    begun = {
        qp
        for qp, output in outputs.items()
        if any((folder / STATE).exists() for folder in (output, output / STAGE_1))
    }
    for qp, output in outputs.items():
        # QPs that an interrupted training did not reach are begun, not resumed.
        resume = config.resume and (qp in begun or not begun)
        yield replace(config, output=output, resume=resume), [qp]


def _train_one(options: ProxyOptions, bench: Workbench, config: Config) -> Trained:
    """Both stages of one network."""
    torch.manual_seed(config.seed)
    network = _network(options)
    first, second = _stages(config, 0 if options.start else options.first_share)
    if first is not None:
        _train_stage(options, bench, network, first, mimics=False)
        network, _ = checkpoint.read(str(first.output / WEIGHTS), Proxy, _NOUN)
        network.requires_grad_(True)
    return _train_stage(options, bench, network, second, mimics=True)


def _train_stage(
    options: ProxyOptions, bench: Workbench, network: Proxy, config: Config, *, mimics: bool
) -> Trained:
    algorithm = ProxyAlgorithm(options, bench, network.to(bench.device), mimics)
    batches = CodedCrops(bench.crops(), bench.pool if mimics else None, options.qps, config.seed)
    return loop.train(algorithm, batches, config, bench.report)


def _network(options: ProxyOptions) -> Proxy:
    if options.start is None:
        return Proxy(options.qa, options.width, options.latents)
    network, _ = checkpoint.read(options.start, Proxy, _NOUN)
    if network.config["qa"] != options.qa:
        name = files.display(options.start)
        raise UsageError(f"{name}: " + ("has no QA: add --no-qa" if options.qa else "has QA"))
    return network.requires_grad_(True)


def _stages(config: Config, share: float) -> tuple[Config | None, Config]:
    """The settings of stage 1, if there is one, and of stage 2."""
    if not share:
        return None, config
    first = replace(config, output=config.output / STAGE_1)
    # A training interrupted in stage 1 has no stage 2 to resume yet.
    begun = config.resume and not (config.output / STATE).exists()
    second = replace(config, resume=False) if begun else config
    if (steps := config.max_steps) is not None:
        first = replace(first, max_steps=max(1, round(steps * share)))
        second = replace(second, max_steps=max(1, steps - max(1, round(steps * share))))
    if (minutes := config.max_minutes) is not None:
        first = replace(first, max_minutes=minutes * share)
        second = replace(second, max_minutes=minutes * (1 - share))
    return first, second


@dataclass(frozen=True, eq=False)
class CodedBatch:
    """Clean pictures, their QPs, and what the codec made of them; None in stage 1."""

    images: list[Image]
    qps: list[int]
    coded: Callable[[], list[Coded]] | None


class CodedCrops:
    """Batches that the codec works on ahead, since its input is the clean picture.

    Without a `pool` nothing is coded (stage 1).
    """

    def __init__(
        self, crops: Batches[list[Image]], pool: CodecPool | None, qps: Sequence[int], seed: int
    ) -> None:
        self._crops = crops
        self._pool = pool
        self._qps = qps
        self._seed = seed
        self._ahead: dict[int, CodedBatch] = {}

    def batch(self, step: int) -> CodedBatch:
        """Batch number `step`; the next one is coded meanwhile."""
        current = self._ahead.pop(step, None) or self._submitted(step)
        self._ahead = {step + 1: self._submitted(step + 1)}
        return current

    def _submitted(self, step: int) -> CodedBatch:
        images = self._crops.batch(step)
        qps = draw_qps(self._qps, len(images), seed=self._seed, step=step)
        coded = None if self._pool is None else self._pool.submit(images, qps)
        return CodedBatch(images, qps, coded)


@dataclass(frozen=True, eq=False)
class ProxyAlgorithm:
    """A training step of either stage."""

    options: ProxyOptions
    bench: Workbench
    network: nn.Module
    mimics: bool  # the codec's picture (stage 2), not the clean one (stage 1)

    kind = "proxy"

    def gradients(self, batch: CodedBatch, step: int) -> Record:
        """The loss of one batch, taken back to the network's weights."""
        self.network.train()
        device, size = self.bench.device, self.bench.config.micro_batch
        coded = batch.coded() if self.mimics and batch.coded is not None else []
        targets = [one.image for one in coded] or batch.images
        count, records = len(targets), []
        for start in range(0, count, size):
            part = slice(start, start + size)
            x = to_tensor(batch.images[part], device)
            qp = torch.tensor(batch.qps[part], dtype=torch.float32, device=device)
            with self.bench.precision:
                y_hat, r_p = self.network(x, qp)
            target = to_tensor(targets[part], device)
            loss = mimic(r_p, y_hat, target, qp)
            torch.autograd.backward(loss.sum() / count)
            mse = mean_squared_error(y_hat.detach(), target)
            sums = {"loss": loss, "bpp_proxy": r_p, "mse": mse}
            records.append({key: float(value.detach().sum()) for key, value in sums.items()})
        record = per_picture(records, count)
        return record | ({"bpp": sum(one.bpp for one in coded) / count} if coded else {})

    @cached_property
    def _validation(self) -> ProxyValidation:
        return _validation(self.bench, self.options.qps)

    def validate(self, network: nn.Module) -> Scores:
        """Scores of the proxy against the codec; none for stage 1, which aims at no codec."""
        return self._validation(network) if self.mimics else Scores()

    def describe(self) -> dict[str, Any]:
        """Codec, QPs and stage."""
        codec = self.bench.pool.codec
        return {
            "codec": codec.name,
            "encoder": codec.encoder,
            "qps": [min(self.options.qps), max(self.options.qps)],
            "stage": "mimic" if self.mimics else STAGE_1,
        }
