"""What a pretransform is, and the table of them."""

import inspect
from collections.abc import Callable, Sequence
from typing import Protocol

from neurocodec import registry
from neurocodec.errors import UsageError
from neurocodec.images import Image

PRETRANSFORMS = {
    "none": "neurocodec.pretransforms.identity:Identity",
    "blur": "neurocodec.pretransforms.blur:Blur",
    "scale": "neurocodec.pretransforms.scale:Scale",
    "tvl1": "neurocodec.pretransforms.tvl1:TvL1",
    "npp": "neurocodec.pretransforms.npp:Npp",
    "tv": "neurocodec.pretransforms.tv:Tv",
    "segnet": "neurocodec.pretransforms.segnet:SegNet",
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


def batches(pretransform: Pretransform, qp: float) -> bool:
    """Whether the filter is faster on several pictures of one size than on one after another."""
    own: Callable[[float], bool] | None = getattr(pretransform, "batches", None)
    return own is not None and own(qp)


def filter_batch(pretransform: Pretransform, images: Sequence[Image], qp: float) -> list[Image]:
    """The filtered pictures, computed together where the filter can.

    Args:
        pretransform: a created one.
        images: of one size.
        qp: on BPG's scale.
    """
    own: Callable[[Sequence[Image], float], list[Image]] | None
    own = getattr(pretransform, "filter_batch", None)
    return own(images, qp) if own is not None else [pretransform(image, qp) for image in images]


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
    if name not in PRETRANSFORMS:
        return False
    factory = registry.load(PRETRANSFORMS, name, "pretransform")
    takes = "weights" in inspect.signature(factory).parameters
    if takes and "weights" in settings:
        raise UsageError(f"weights are given twice, in --pre {spec} and by --weights: keep one")
    return takes


def fingerprint(spec: str, pretransform: Pretransform, qp: float) -> str:
    """A text that is equal for two filters only if they make the same of a picture at `qp`.

    Args:
        spec: that `pretransform` was created from; files that it names may have changed since.
        pretransform: a created one.
        qp: on BPG's scale.
    """
    own: Callable[[float], str] | None = getattr(pretransform, "fingerprint", None)
    return own(qp) if own is not None else spec + getattr(pretransform, "weights_sha256", "")
