"""The most pixels that a picture may have: what is larger is refused before memory is taken."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MAX_PIXELS = 179_000_000
_MOST: ContextVar[int] = ContextVar("most_pixels", default=MAX_PIXELS)


def most_pixels() -> int:
    """The limit in force: MAX_PIXELS, or that of the innermost `at_most`."""
    return _MOST.get()


@contextmanager
def at_most(pixels: int) -> Iterator[None]:
    """Around work on pictures of at most that many pixels."""
    token = _MOST.set(pixels)
    try:
        yield
    finally:
        _MOST.reset(token)
