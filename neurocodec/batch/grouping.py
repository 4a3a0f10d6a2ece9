"""Pictures of one size through a filter together: read ahead, grouped, returned in order."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

from neurocodec.batch.engines.local import Local, Outcome
from neurocodec.codecs import Level
from neurocodec.errors import NeurocodecError
from neurocodec.images import Image
from neurocodec.pipeline import Filtered, Pipeline

Item = TypeVar("Item")
Result = tuple[Image | None, NeurocodecError | None, float]

# The reading ahead of the filter. Pictures of a camera are alike in size and fill batches; of
# mixed ones many find their like within so many.
WINDOW_PICTURES = 64
WINDOW_PIXELS = 1 << 25


def each(
    items: Iterable[Item], read: Callable[[Item], Image], pipeline: Pipeline, level: Level
) -> Iterator[Outcome[Item, Filtered]]:
    """Every item's picture, filtered in batches in this process; outcomes in the items' order.

    A picture that cannot be read or filtered costs itself only. Memory holds one window of
    pictures, at most WINDOW_PIXELS and one picture more.
    """
    opened = Local(jobs=0).map(read, items)
    for window in _windows(opened):
        done: dict[int, Result] = {}
        for places in _alike(window):
            batch = [image for place in places if (image := window[place].result) is not None]
            done |= dict(zip(places, _filtered(batch, pipeline, level), strict=True))
        for place, one in enumerate(window):
            yield _outcome(one, done.get(place))


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


def _filtered(batch: list[Image], pipeline: Pipeline, level: Level) -> list[Result]:
    """The filtered picture or the error in its place, and its seconds."""
    start = time.perf_counter()
    try:
        results = pipeline.filter_batch(batch, level)
    except Exception:  # one of them, or memory for so many: one by one shows which
        alone = list(Local(jobs=0).map(partial(Pipeline.filter, pipeline, level=level), batch))
        share = (time.perf_counter() - start) / len(batch)
        return [(one.result, one.error, share) for one in alone]
    share = (time.perf_counter() - start) / len(batch)
    return [(image, None, share) for image in results]


def _outcome(opened: Outcome[Item, Image], done: Result | None) -> Outcome[Item, Filtered]:
    if done is None or opened.result is None:
        return Outcome(opened.item, None, opened.error)
    image, error, filter_s = done
    if image is None:
        return Outcome(opened.item, None, error)
    size = (opened.result.width, opened.result.height)
    return Outcome(opened.item, Filtered(image, size, filter_s), None)
