"""Section 3.3 of "Preprocessing Enhanced Image Compression for Machine Vision": the proxy codec.

    stage 1   L ← R_p + ‖x − ŷ‖² / λ(QP)         a codec of its own, compressai's mbt2018
    stage 2   L ← R_p + ‖x̂ − ŷ‖² / λ(QP)         x̂ ← codec(x, QP), the real one: the proxy mimics it

with ŷ, R_p ← proxy(x, QP). λ is x265's rate of exchange between squared error and bits, so that R_p
comes near what BPG spends on such a picture; every QP's loss is multiplied by what makes QPs weigh
alike. One network a QP, as the paper has it, or one for all by quantisation adaptation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from neurocodec.images import Image
from neurocodec.losses.error import mean_squared_error
from neurocodec.losses.rate import mimic
from neurocodec.networks.precision import Precision
from neurocodec.networks.tensors import to_tensor
from neurocodec.training.codec_pool import CodecPool, Coded
from neurocodec.training.data import draw_qps
from neurocodec.training.loop import Batches
from neurocodec.training.state import Record, averaged


@dataclass(frozen=True, eq=False)
class CodedBatch:
    """Clean pictures, a QP for each, and what the codec made of them, if it was asked."""

    images: list[Image]
    qps: list[int]
    coded: Callable[[], list[Coded]] | None


class CodedCrops:
    """Batches that the real codec works on ahead: its input is the clean picture, so it may."""

    def __init__(
        self, crops: Batches[list[Image]], pool: CodecPool | None, *, qps: Sequence[int], seed: int
    ) -> None:
        """Say what to code.

        Args:
            crops: the pictures.
            pool: the codec; None asks none (stage 1).
            qps: to draw from, on BPG's scale.
            seed: of the draws.
        """
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


class ProxyAlgorithm:
    """A training step of either stage."""

    kind = "proxy"

    def __init__(
        self,
        network: nn.Module,
        pool: CodecPool,
        *,
        mimics: bool,
        qps: Sequence[int],
        micro_batch: int,
        precision: Precision,
        validation: Callable[[nn.Module], Record],
    ) -> None:
        """Put a training together.

        Args:
            network: the proxy.
            pool: the codec that made the batches.
            mimics: whether ŷ is held to the codec's picture (stage 2) or to the clean one (stage 1,
                whose batches need not be coded).
            qps: on BPG's scale.
            micro_batch: pictures that go through the network together.
            precision: what it computes in.
            validation: how good a proxy it is.
        """
        self.network = network
        self.validate = validation
        self._pool = pool
        self._mimics = mimics
        self._qps = qps
        self._micro_batch = micro_batch
        self._precision = precision

    def gradients(self, batch: CodedBatch, step: int) -> Record:
        """One batch."""
        self.network.train()
        device = next(self.network.parameters()).device
        coded = batch.coded() if self._mimics and batch.coded is not None else []
        targets = [one.image for one in coded] or batch.images
        count, records = len(targets), []
        for start in range(0, count, self._micro_batch):
            part = slice(start, start + self._micro_batch)
            x = to_tensor(batch.images[part], device)
            qp = torch.tensor(batch.qps[part], dtype=torch.float32, device=device)
            with self._precision:
                y_hat, r_p = self.network(x, qp)
            target = to_tensor(targets[part], device)
            loss = mimic(r_p, y_hat, target, qp)
            torch.autograd.backward(loss.sum() / count)
            mse = mean_squared_error(y_hat.detach(), target)
            sums = {"loss": loss, "bpp_proxy": r_p, "mse": mse}
            records.append({key: float(value.detach().sum()) for key, value in sums.items()})
        record = averaged(records, count)
        return record | ({"bpp": sum(one.bpp for one in coded) / count} if coded else {})

    def made(self) -> dict[str, Any]:
        """Codec, QPs and stage."""
        return {
            "codec": self._pool.codec.name,
            "encoder": self._pool.codec.encoder,
            "qps": [min(self._qps), max(self._qps)],
            "stage": "mimic" if self._mimics else "rate-distortion",
        }
