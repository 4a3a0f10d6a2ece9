"""How often SPIC's coder expects each symbol at a place: whole numbers, equal on every machine."""

import numpy as np
import numpy.typing as npt
import torch

from neurocodec.errors import BadInputError
from neurocodec.networks.density import FINE, FINEST, PLACES, REACH, Density, largest
from neurocodec.networks.latent_prediction import UNIT, LatentPrediction

Counts = npt.NDArray[np.int64]


class Expectation:
    """The counts of symbols at one quality factor.

    Args:
        prediction: of latents from their neighbours.
        density: of what is left.
        qf: the quality factor, 1 to FINEST.

    Raises:
        BadInputError: the weights hold no such counts.
    """

    def __init__(self, prediction: LatentPrediction, density: Density, qf: int) -> None:
        self._matrix = prediction.matrix().numpy()
        self._bias = prediction.bias.numpy().astype(np.int64) * qf // FINEST
        table = density.table.numpy().astype(np.int64)
        if np.diff(table, axis=1).min() < 1:
            raise BadInputError("the weights' counts of latents are damaged: name another file")
        self._table, self._first, self._last = table.reshape(-1), table[:, :1], table[:, -1:]
        self._rows = np.arange(len(table))[:, None] * PLACES
        self._whole = UNIT * qf  # of a place of the table
        k = int(largest(torch.tensor(float(qf))))
        # Edges between the symbols, k − ½ steps, a step being FINEST / qf.
        odd = 2 * np.arange(-k + 1, k + 1, dtype=np.int64) - 1
        self._edges = odd * (UNIT // 2 * FINEST * FINE) + REACH * FINE * self._whole

    def __call__(self, neighbours: npt.NDArray[np.int32]) -> Counts:
        """Expect the symbols at a place.

        Args:
            neighbours: their symbols, (neighbours · C,), in the order of `neighbours`.

        Returns:
            (C, 2·K + 1), of −K … K, each at least 1, of the same sum in every channel; K is
            `largest(qf)`.
        """
        predicted = (self._matrix @ neighbours).astype(np.int64) + self._bias
        # Of the density's table; between its places a straight line. The first and the last
        # symbol have the tails.
        edges = self._edges - predicted[:, None] * (FINEST * FINE)
        edges = edges.clip(0, (PLACES - 1) * self._whole - 1)
        place = edges // self._whole
        beyond = edges - place * self._whole
        place += self._rows
        below = self._table.take(place)
        inner = below + (self._table.take(place + 1) - below) * beyond // self._whole
        around = np.concatenate([self._first, inner, self._last], axis=1)
        # A symbol that lies beyond the table can be coded, too.
        counts: Counts = np.diff(around) + 1
        return counts
