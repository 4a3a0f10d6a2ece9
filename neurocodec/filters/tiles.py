"""Tiles of a large picture, each with a margin as wide as a network sees."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """A tile along one side of a picture, in pixels of the picture but for `part`.

    Attributes:
        tile: the tile.
        shown: the tile with its margins, which the network is shown.
        part: the tile in what is shown.
    """

    tile: slice
    shown: slice
    part: slice


def spans(side: int, tile: int, margin: int, stride: int) -> list[Span]:
    """Cut a side into tiles.

    All tiles are alike in size: memory that one leaves fits the next, and none is a sliver. A side
    no longer than a tile with its margins is one tile.

    Args:
        side: of the picture.
        tile: the largest tile, at least `stride`.
        margin: on both sides of a tile, rounded up to a multiple of `stride`.
        stride: tiles and what is shown begin at its multiples.
    """
    margin = _up(margin, stride)
    if side <= tile + 2 * margin:  # no larger than what is shown of a tile in the middle
        return [Span(slice(0, side), slice(0, side), slice(0, side))]
    tile = _up(-(-side // -(-side // (tile // stride * stride))), stride)
    last = max(0, _up(side - tile - 2 * margin, stride))
    found = []
    for start in range(0, side, tile):
        end, shown = min(start + tile, side), min(max(0, start - margin), last)
        window = slice(shown, min(shown + tile + 2 * margin, side))
        found.append(Span(slice(start, end), window, slice(start - shown, end - shown)))
    return found


def _up(length: int, stride: int) -> int:
    """Round up to a multiple of the stride."""
    return -(-length // stride) * stride
