"""Pictures of one size through a filter together: read ahead, grouped, given back in order."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from neurocodec.batch.engines import local as workers
from neurocodec.batch.engines.local import Outcome
from neurocodec.errors import NeurocodecError
from neurocodec.images import Image
from neurocodec.pipeline import Pipeline

Item = TypeVar("Item")

# What is read before any of it is filtered. Pictures of a camera are alike in size and fill whole
# batches; of mixed ones many find their like within so many.
WINDOW_PICTURES = 64
WINDOW_PIXELS = 1 << 25


@dataclass(frozen=True, eq=False)
class Filtered(Generic[Item]):
    """A picture as the encoder will see it.

    Attributes:
        item: what it was read from.
        image: the filtered picture.
        pre: the filter, as the command line writes it.
        filter_s: its share of the seconds that filtering took.
    """

    item: Item
    image: Image
    pre: str
    filter_s: float


def each(
    items: Iterable[Item], read: Callable[[Item], Image], ready: Pipeline
) -> Iterator[Outcome[Item, Filtered[Item]]]:
    """Every item's picture, filtered in batches in this process; outcomes in the items' order.

    A picture that cannot be read or filtered costs itself only. Memory holds one window of
    pictures, at most WINDOW_PIXELS and one picture more.
    """
    opened = workers.each(read, items, jobs=1, timeout_s=0)
    for window in _windows(opened):
        done: dict[int, tuple[Image | None, NeurocodecError | None, float]] = {}
        for places in _alike(window):
            batch = [image for place in places if (image := window[place].result) is not None]
            done |= dict(zip(places, _filtered(batch, ready), strict=True))
        for place, one in enumerate(window):
            yield _outcome(one, done.get(place), ready.pre)


def _windows(opened: Iterable[Outcome[Item, Image]]) -> Iterator[list[Outcome[Item, Image]]]:
    window, pixels = [], 0
    for one in opened:
        window.append(one)
        pixels += one.result.width * one.result.height if one.result is not None else 0
        if len(window) >= WINDOW_PICTURES or pixels >= WINDOW_PIXELS:
            yield window
            window, pixels = [], 0
    yield window


def _alike(window: list[Outcome[Item, Image]]) -> list[list[int]]:
    """The places in the window of pictures of one size, size by size."""
    sizes: dict[tuple[int, int], list[int]] = {}
    for place, one in enumerate(window):
        if one.result is not None:
            sizes.setdefault((one.result.width, one.result.height), []).append(place)
    return list(sizes.values())


def _filtered(
    batch: list[Image], ready: Pipeline
) -> list[tuple[Image | None, NeurocodecError | None, float]]:
    """The filtered picture or the error in its place, and its seconds."""
    start = time.perf_counter()
    try:
        results = ready.filter_batch(batch)
    except Exception:  # of one of them, or memory for so many: which it is shows one by one
        alone = list(workers.each(partial(Pipeline.filter, ready), batch, jobs=1, timeout_s=0))
        share = (time.perf_counter() - start) / len(batch)
        return [(one.result, one.error, share) for one in alone]
    share = (time.perf_counter() - start) / len(batch)
    return [(image, None, share) for image in results]


def _outcome(
    opened: Outcome[Item, Image],
    done: tuple[Image | None, NeurocodecError | None, float] | None,
    pre: str,
) -> Outcome[Item, Filtered[Item]]:
    if done is None:
        return Outcome(opened.item, None, opened.error)
    image, error, filter_s = done
    result = None if image is None else Filtered(opened.item, image, pre, filter_s)
    return Outcome(opened.item, result, error)
