"""What a pretransform is, and the table of them."""

from collections.abc import Callable
from typing import Protocol

from neurocodec import registry
from neurocodec.images import Image

PRETRANSFORMS = {
    "none": "neurocodec.pretransforms.identity:Identity",
    "blur": "neurocodec.pretransforms.blur:Blur",
    "scale": "neurocodec.pretransforms.scale:Scale",
    "tvl1": "neurocodec.pretransforms.tvl1:TvL1",
    "npp": "neurocodec.pretransforms.npp:Npp",
    "schedule": "neurocodec.pretransforms.schedule:Schedule",
}


class Pretransform(Protocol):
    """A filter from picture to picture, all its settings in its constructor."""

    def __call__(self, image: Image, qp: float) -> Image:
        """The filtered picture; alpha, gray and metadata are the given one's.

        Args:
            image: any size.
            qp: the BPG QP whose mean rate the coming encoding has; a filter may ignore it.
        """


def create(spec: str, device: str = "cpu") -> Pretransform:
    """The pretransform that "name:key=value" describes.

    Args:
        spec: as on the command line.
        device: "cpu", "cuda" or "auto", for those that compute on torch.

    Raises:
        UsageError: unknown name or setting, or a setting out of its range.
    """
    pretransform: Pretransform = registry.create(PRETRANSFORMS, spec, "pretransform", device=device)
    return pretransform


def unfiltered(pretransform: Pretransform, qp: float) -> str:
    """Why a filter that serves some QPs only passes pictures unchanged at `qp`; "" where not."""
    reason: Callable[[float], str] | None = getattr(pretransform, "unfiltered", None)
    return reason(qp) if reason is not None else ""
