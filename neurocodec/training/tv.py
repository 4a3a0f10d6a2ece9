"""The TV pre-transform: "Image Pre-Transformation for Recognition-Aware Image Compression".

    x' ← network(x)
    L ← L_recog(x', y) + λ·TV(x')                 y: the recogniser's answer to x, or the label
    network ← network − η·∂L/∂network             nothing else learns

No codec takes part: TV stands in for the bits. With `segnet` and λ = 0 this is Palacio+, "What do
Deep Networks Like to See?", which fine-tunes an autoencoder that can copy pictures already; so the
first `copy_steps` steps have L ← mse(x', x).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neurocodec.images import Image
from neurocodec.losses.error import mean_squared_error
from neurocodec.losses.total_variation import total_variation
from neurocodec.networks.precision import Precision
from neurocodec.networks.tensors import to_tensor
from neurocodec.training.data import truths_of
from neurocodec.training.distances import Distance, objective
from neurocodec.training.state import Record

# Of every picture, (N,) each: what is lowered is called "loss".
Terms = dict[str, Tensor]


class TvAlgorithm:
    """The training step of a filter that is the same for every codec and QP."""

    def __init__(
        self,
        network: nn.Module,
        kind: str,
        distances: Mapping[str, Distance],
        *,
        lmbda: float,
        copy_steps: int,
        micro_batch: int,
        precision: Precision,
        validation: Callable[[nn.Module], Record],
    ) -> None:
        """Put the step together.

        Args:
            network: x → x', that learns.
            kind: its key in checkpoint.NETWORKS.
            distances: by recogniser, L_recog of clean and filtered pictures, (N,).
            lmbda: λ, at least 0.
            copy_steps: at the beginning, that teach the network to copy.
            micro_batch: pictures that go through the networks together.
            precision: that networks compute in.
            validation: scores a network.
        """
        self.network = network
        self.kind = kind
        self.validate = validation
        self._distances = distances
        self._lmbda = lmbda
        self._copy_steps = copy_steps
        self._micro_batch = micro_batch
        self._precision = precision

    def gradients(self, images: list[Image], step: int) -> Record:
        """The loss of one batch, taken back to the network's weights."""
        self.network.train()
        terms_of = self._copying if step < self._copy_steps else self._recognising
        device = next(self.network.parameters()).device
        record: Record = {}
        for start in range(0, len(images), self._micro_batch):
            x = to_tensor(images[start : start + self._micro_batch], device)
            with self._precision:
                filtered = self.network(x)
            terms = terms_of(x, filtered, truths_of(images[start : start + self._micro_batch]))
            torch.autograd.backward(terms["loss"].sum() / len(images))
            for name, term in terms.items():
                record[name] = record.get(name, 0.0) + float(term.detach().sum()) / len(images)
        return record

    def made(self) -> dict[str, Any]:
        """Recognisers, λ and how long it learnt to copy; no QPs, since it serves every one."""
        return {
            **objective(self._distances),
            "lmbda": self._lmbda,
            "copy_steps": self._copy_steps,
        }

    def _copying(self, x: Tensor, filtered: Tensor, truths: Sequence[Any]) -> Terms:
        mse = mean_squared_error(x, filtered)
        return {"loss": mse, "mse": mse}

    def _recognising(self, x: Tensor, filtered: Tensor, truths: Sequence[Any]) -> Terms:
        shares = {
            name: distance(distance.answer(x, truths), filtered)
            for name, distance in self._distances.items()
        }
        # Of several recognisers the mean, so that λ weighs as with one.
        l_recog = torch.stack(list(shares.values())).mean(0)
        tv = total_variation(filtered)
        return {
            "loss": l_recog + self._lmbda * tv,
            "tv": tv,
            "mse": mean_squared_error(x, filtered.detach()),
            **{f"d_m.{name}": share for name, share in shares.items()},
        }
