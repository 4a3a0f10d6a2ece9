"""Pictures of one size through a filter together: read ahead, grouped, returned in order."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from neurocodec.batch.engines.local import Local, Outcome
from neurocodec.batch.handling import Facts, Opened
from neurocodec.codecs import Level
from neurocodec.errors import NeurocodecError
from neurocodec.images import Image
from neurocodec.pipeline import Filtered, Pipeline

Item = TypeVar("Item")
Result = tuple[Image | None, NeurocodecError | None, float]


@dataclass(frozen=True, eq=False)
class Ready:
    """A picture that the encoder can have, and what is known of its file."""

    facts: Facts
    filtered: Filtered


# The reading ahead of the filter. Pictures of a camera are alike in size and fill batches; of
# mixed ones many find their like within so many.
WINDOW_PICTURES = 64
WINDOW_PIXELS = 1 << 25


def each(
    items: Iterable[Item], read: Callable[[Item], Opened], pipeline: Pipeline, level: Level
) -> Iterator[Outcome[Item, Ready]]:
    """Every item's picture, filtered in batches in this process; outcomes in the items' order.

    A picture that cannot be read or filtered costs itself only. Memory holds one window of
    pictures, at most WINDOW_PIXELS and one picture more.
    """
    opened = Local(jobs=0).map(read, items)
    for window in _windows(opened):
        done: dict[int, Result] = {}
        for places in _alike(window):
            batch = [found.image for place in places if (found := window[place].result) is not None]
            done |= dict(zip(places, _filtered(batch, pipeline, level), strict=True))
        for place, one in enumerate(window):
            yield _outcome(one, done.get(place))


def _windows(opened: Iterable[Outcome[Item, Opened]]) -> Iterator[list[Outcome[Item, Opened]]]:
    window, pixels = [], 0
    for one in opened:
        window.append(one)
        if one.result is not None:
            pixels += one.result.image.width * one.result.image.height
        if len(window) >= WINDOW_PICTURES or pixels >= WINDOW_PIXELS:
            yield window
            window, pixels = [], 0
    yield window


def _alike(window: list[Outcome[Item, Opened]]) -> list[list[int]]:
    """The places in the window of pictures of one size, size by size."""
    sizes: dict[tuple[int, int], list[int]] = {}
    for place, one in enumerate(window):
        if one.result is not None:
            image = one.result.image
            sizes.setdefault((image.width, image.height), []).append(place)
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


def _outcome(opened: Outcome[Item, Opened], done: Result | None) -> Outcome[Item, Ready]:
    if done is None or opened.result is None:
        return Outcome(opened.item, None, opened.error)
    image, error, filter_s = done
    if image is None:
        return Outcome(opened.item, None, error)
    size = (opened.result.image.width, opened.result.image.height)
    ready = Ready(opened.result.facts, Filtered(image, size, filter_s))
    return Outcome(opened.item, ready, None)
