"""A filter for every QP: the settings of a filter, chosen rate by rate and then frozen."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from neurocodec.errors import UsageError
from neurocodec.filters.filter import (
    Filter,
    batches,
    create,
    filter_batch,
    fingerprint,
    unfiltered,
)
from neurocodec.images import Image


class Schedule:
    """Filters as a file says for the QP; a QP between two of the file's takes the nearest.

    The file is what `neurocodec choose` writes: {"filters": {"28": "blur:sigma=0.4", …}}.

    Attributes:
        weights_sha256: of that file, which stands for weights in results.
    """

    def __init__(self, file: str, device: str = "cpu") -> None:
        """Read the schedule at the path `file`.

        Raises:
            UsageError: it cannot be read, or names what is not known.
        """
        try:
            content = Path(file).read_bytes()
            said = json.loads(content)
            chosen = said["filters"] if "filters" in said else said["pretransforms"]
            specs = {float(qp): str(spec) for qp, spec in chosen.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise UsageError(f"schedule {file} cannot be read: {exc!r}") from exc
        if not specs:
            raise UsageError(f"schedule {file} names no filter")
        self.weights_sha256 = hashlib.sha256(content).hexdigest()
        self._specs = specs
        self._filters: dict[float, Filter] = {
            qp: create(spec, device) for qp, spec in specs.items()
        }

    def __call__(self, image: Image, qp: float) -> Image:
        """The picture filtered as the nearest QP of the file says; the higher one in a tie."""
        return self._nearest(qp)(image, qp)

    def unfiltered(self, qp: float) -> str:
        """Why pictures pass unchanged at that QP; "" where they are filtered."""
        return unfiltered(self._nearest(qp), qp)

    def batches(self, qp: float) -> bool:
        """Whether what filters at that QP is faster on several pictures of one size."""
        return batches(self._nearest(qp), qp)

    def filter_batch(self, images: Sequence[Image], qp: float) -> list[Image]:
        """The pictures, of one size, as `__call__` filters each."""
        return filter_batch(self._nearest(qp), images, qp)

    def fingerprint(self, qp: float) -> str:
        """What filters at that QP, as `filters.fingerprint` says it."""
        nearest = self._nearest_qp(qp)
        return fingerprint(self._specs[nearest], self._filters[nearest], qp)

    def _nearest(self, qp: float) -> Filter:
        return self._filters[self._nearest_qp(qp)]

    def _nearest_qp(self, qp: float) -> float:
        return min(self._filters, key=lambda known: (abs(known - qp), -known))
