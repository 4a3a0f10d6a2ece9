"""What a filter is, and the table of them."""

import inspect
from collections.abc import Callable, Sequence
from typing import Protocol

from neurocodec import registry
from neurocodec.errors import UsageError
from neurocodec.images import Image

FILTERS = {
    "none": "neurocodec.filters.identity:Identity",
    "blur": "neurocodec.filters.blur:Blur",
    "scale": "neurocodec.filters.scale:Scale",
    "tvl1": "neurocodec.filters.tvl1:TvL1",
    "npp": "neurocodec.filters.npp:Npp",
    "tv": "neurocodec.filters.tv:Tv",
    "segnet": "neurocodec.filters.segnet:SegNet",
    "schedule": "neurocodec.filters.schedule:Schedule",
}


class Filter(Protocol):
    """A filter from picture to picture, all its settings in its constructor."""

    def __call__(self, image: Image, qp: float) -> Image:
        """The filtered picture; alpha, gray and metadata are the given one's.

        Args:
            image: any size.
            qp: the BPG QP whose mean rate the coming encoding has; a filter may ignore it.
        """


def create(spec: str, device: str = "cpu") -> Filter:
    """The filter that "name:key=value" describes.

    Args:
        spec: as on the command line.
        device: "cpu", "cuda" or "auto", for those that compute on torch.

    Raises:
        UsageError: unknown name or setting, or a setting out of its range.
    """
    filter: Filter = registry.create(FILTERS, spec, "filter", device=device)
    return filter


def unfiltered(filter: Filter, qp: float) -> str:
    """Why a filter that serves some QPs only passes pictures unchanged at `qp`; "" where not."""
    reason: Callable[[float], str] | None = getattr(filter, "unfiltered", None)
    return reason(qp) if reason is not None else ""


def batches(filter: Filter, qp: float) -> bool:
    """Whether the filter is faster on several pictures of one size than on one after another."""
    own: Callable[[float], bool] | None = getattr(filter, "batches", None)
    return own is not None and own(qp)


def filter_batch(filter: Filter, images: Sequence[Image], qp: float) -> list[Image]:
    """The filtered pictures, computed together where the filter can.

    Args:
        filter: a created one.
        images: of one size.
        qp: on BPG's scale.
    """
    own: Callable[[Sequence[Image], float], list[Image]] | None
    own = getattr(filter, "filter_batch", None)
    return own(images, qp) if own is not None else [filter(image, qp) for image in images]


def with_weights(specs: Sequence[str], weights: str) -> list[str]:
    """The specs, those of trained filters with these weights.

    Args:
        specs: as on the command line, but none with weights of its own.
        weights: a name or a file.

    Raises:
        UsageError: no spec is of a filter that takes weights, or one has some already.
    """
    if ":" in weights:
        raise UsageError(f"weights {weights}: a name with a colon cannot be used: rename the file")
    given = [f"{spec}:weights={weights}" if _takes_weights(spec) else spec for spec in specs]
    if given == list(specs):
        raise UsageError(
            f"--weights is for a trained filter, not for --pre {','.join(specs)}: "
            "write --pre npp, tv or segnet"
        )
    return given


def _takes_weights(spec: str) -> bool:
    name, settings = registry.parse(spec)
    if name not in FILTERS:
        return False
    factory = registry.load(FILTERS, name, "filter")
    takes = "weights" in inspect.signature(factory).parameters
    if takes and "weights" in settings:
        raise UsageError(f"weights are given twice, in --pre {spec} and by --weights: keep one")
    return takes


def fingerprint(spec: str, filter: Filter, qp: float) -> str:
    """A text that is equal for two filters only if they make the same of a picture at `qp`.

    Args:
        spec: that `filter` was created from; files that it names may have changed since.
        filter: a created one.
        qp: on BPG's scale.
    """
    own: Callable[[float], str] | None = getattr(filter, "fingerprint", None)
    return own(qp) if own is not None else spec + getattr(filter, "weights_sha256", "")
