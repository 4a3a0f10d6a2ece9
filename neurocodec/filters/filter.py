"""The filter that changes a picture before a stock encoder sees it, and the table of them."""

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from neurocodec import registry
from neurocodec.codecs import Codec
from neurocodec.errors import UsageError
from neurocodec.images import Image

FILTERS = {
    "none": "neurocodec.filters.filter:Identity",
    "blur": "neurocodec.filters.blur:Blur",
    "scale": "neurocodec.filters.scale:Scale",
    "tvl1": "neurocodec.filters.tvl1:TvL1",
    "npp": "neurocodec.filters.network:Npp",
    "tv": "neurocodec.filters.network:Tv",
    "segnet": "neurocodec.filters.network:SegNet",
    "schedule": "neurocodec.filters.schedule:Schedule",
    "search": "neurocodec.filters.search:Search",
}
_MAY_RESIZE = {"scale", "schedule"}  # the latter may name the former
Account = Mapping[str, Any]


class Filter(ABC):
    """A function from picture to picture, all its settings in its constructor.

    Every method takes the QP, on BPG's scale, at which BPG has the mean rate of the coming
    encoding; a filter may ignore it.

    Attributes:
        spec: "name:key=value", as the command line has it.
        weights_sha256: sha256 of the trained weights, "" without.
        qps: lowest and highest QP that it serves; outside it passes pictures unchanged. None for
            every QP.
        device_type: "cpu" or "cuda" where it computes on torch, "" elsewhere.
        needs_encoder: it tells the encoder something too, so that its pictures alone are not all.
    """

    spec: str = ""
    weights_sha256: str = ""
    qps: tuple[float, float] | None = None
    device_type: str = ""
    needs_encoder: bool = False

    @abstractmethod
    def __call__(self, image: Image, qp: float) -> Image:
        """Filter a picture; alpha, gray and metadata stay as they are."""

    def with_account(self, image: Image, qp: float) -> tuple[Image, Account]:
        """Filter a picture, and tell what a user may want to know of it; {} for most filters."""
        return self(image, qp), {}

    def filter_batch(self, images: Sequence[Image], qp: float) -> list[Image]:
        """Filter pictures, all of one size, to within one level of `__call__`."""
        return [self(image, qp) for image in images]

    def batches(self, qp: float) -> bool:
        """Tell whether several pictures of one size are faster together than one by one."""
        return False

    def identity(self, qp: float) -> str:
        """Tell why pictures pass unchanged at this QP; "" where they are filtered."""
        if self.qps is None or self.qps[0] <= qp <= self.qps[1]:
            return ""
        name = self.spec.partition(":")[0]
        lowest, highest = self.qps
        return f"{name} knows QP {lowest:g} to {highest:g} only: outside it does not filter"

    def fingerprint(self, qp: float) -> str:
        """Return a text that is equal only for filters of equal results at `qp`."""
        return self.spec + self.weights_sha256 + self.device_type


class Identity(Filter):
    """No filter at all: what every filter is compared with."""

    def __call__(self, image: Image, qp: float) -> Image:
        """Return the very same picture."""
        return image


def check(spec: str) -> None:
    """Refuse a filter that is not known, without loading it.

    Raises:
        UsageError: unknown name, or a setting that is not of the form key=value.
    """
    name, _ = registry.parse(spec)
    if name not in FILTERS:
        raise UsageError(f"no filter is called {name!r}: the known ones are {', '.join(FILTERS)}")


def may_resize(spec: str) -> bool:
    """Tell whether pictures may come out of a filter at another size, without loading it."""
    return registry.parse(spec)[0] in _MAY_RESIZE


def create(spec: str, device: str = "cpu", codec: Codec | None = None) -> Filter:
    """Make the filter that "name:key=value" describes.

    Args:
        spec: as on the command line.
        device: "cpu", "cuda" or "auto", for those that compute on torch.
        codec: the one that comes after, for those that search through it.

    Raises:
        UsageError: unknown name or setting, or a setting out of its range.
        MissingError: weights that are not there.
    """
    created: Filter = registry.create(FILTERS, spec, "filter", device=device, codec=codec)
    created.spec = spec
    return created


def with_recognisers(spec: str, models: Sequence[str], task: str | None) -> str:
    """Add recognisers and their task to the spec of a search.

    Args:
        spec: as on the command line.
        models: names or files.
        task: a key of TASKS, or None for the default.

    Raises:
        UsageError: the spec is of a filter that asks no recogniser, or has them already.
    """
    name, settings = registry.parse(spec)
    if name != "search":
        raise UsageError(
            f"--model and --task are for the recognisers of --filter search, not for {spec}"
        )
    if models and "model" in settings:
        raise UsageError(f"{spec} names its recognisers already: leave --model out")
    if models:
        spec += f":model={'+'.join(quote(os.fsencode(model), safe='/') for model in models)}"
    return f"{spec}:task={task}" if task else spec


def with_weights(specs: Sequence[str], weights: str) -> list[str]:
    """Add these weights to the spec of each trained filter.

    Args:
        specs: as on the command line, but none with weights of its own.
        weights: a name or a file.

    Raises:
        UsageError: no spec is of a filter that takes weights.
    """
    added = [f"{spec}:weights={weights}" if _takes_weights(spec) else spec for spec in specs]
    if added == list(specs):
        raise UsageError(
            f"--weights is for a trained filter, not for --filter {','.join(specs)}: "
            "write --filter npp, tv or segnet"
        )
    return added


def _takes_weights(spec: str) -> bool:
    name, _ = registry.parse(spec)
    factory = registry.load(FILTERS, name, "filter") if name in FILTERS else Filter
    return "weights" in inspect.signature(factory).parameters
