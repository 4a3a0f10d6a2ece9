"""A filter for every QP: the best setting at each, chosen on other pictures and then frozen."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from neurocodec import files
from neurocodec.codecs import Codec
from neurocodec.errors import UsageError
from neurocodec.filters.filter import Account, Filter, create
from neurocodec.images import Image


class Schedule(Filter):
    """The filter that a file names for the QP; a QP between two of the file's takes the nearest.

    The file is what `neurocodec choose` writes: {"filters": {"28": "blur:sigma=0.4", …}}.

    Attributes:
        weights_sha256: hash of the filters in force at the file's QPs, weights included.

    Raises:
        UsageError: it cannot be read, or names an unknown filter.
    """

    def __init__(self, file: str, device: str = "cpu", codec: Codec | None = None) -> None:
        self._filters = {qp: create(spec, device, codec) for qp, spec in _specs(file).items()}
        in_force = {str(qp): f.spec + f.weights_sha256 for qp, f in self._filters.items()}
        text = json.dumps(in_force, sort_keys=True)
        self.weights_sha256 = hashlib.sha256(text.encode()).hexdigest()

    def __call__(self, image: Image, qp: float) -> Image:
        """Filter a picture as the nearest QP of the file says; the higher one in a tie."""
        return self._nearest(qp)(image, qp)

    def with_account(self, image: Image, qp: float) -> tuple[Image, Account]:
        """Filter a picture, and tell what the filter of that QP tells."""
        return self._nearest(qp).with_account(image, qp)

    def filter_batch(self, images: Sequence[Image], qp: float) -> list[Image]:
        """Filter pictures, all of one size, as `__call__` filters each."""
        return self._nearest(qp).filter_batch(images, qp)

    def batches(self, qp: float) -> bool:
        """Tell whether the filter of that QP is faster on several pictures together."""
        return self._nearest(qp).batches(qp)

    def identity(self, qp: float) -> str:
        """Tell why pictures pass unchanged at that QP; "" where they are filtered."""
        return self._nearest(qp).identity(qp)

    def fingerprint(self, qp: float) -> str:
        """Return the fingerprint of the filter in force at that QP."""
        return self._nearest(qp).fingerprint(qp)

    def _nearest(self, qp: float) -> Filter:
        return self._filters[min(self._filters, key=lambda known: (abs(known - qp), -known))]


def _specs(file: str) -> dict[float, str]:
    try:
        content = files.parsed(Path(file).read_bytes())
        # "pretransforms" is the name that files of version 0.1 have.
        chosen = content["filters"] if "filters" in content else content["pretransforms"]
        specs = {float(qp): str(spec) for qp, spec in chosen.items()}
    except OSError as exc:
        raise UsageError(f"schedule {file}: cannot be read ({exc.strerror})") from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise UsageError(
            f"{file} is not a schedule: `neurocodec choose` writes them ({type(exc).__name__})"
        ) from exc
    if not specs:
        raise UsageError(f"schedule {file} names no filter")
    return specs
