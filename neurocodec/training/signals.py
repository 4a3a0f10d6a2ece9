"""Signals that end a training after the step at work, so that its state can be saved first."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LOG = logging.getLogger("neurocodec")
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WORDS = (
    b"\nneurocodec: stopping after this step, to save the state; a second signal stops at once\n"
)


@contextmanager
def deferred() -> Iterator[list[int]]:
    """Hold back the first signal that asks for the end, and raise it when the block ends.

    Yields:
        The signals that came: a loop ends its work once there is one.
    """
    received: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        received.append(number)
        restore()
        if LOG.isEnabledFor(logging.WARNING):
            os.write(2, _WORDS)  # print() must not be entered twice

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {number: signal.getsignal(number) for number in _ENDING}
    before = {n: handler for n, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    if threading.current_thread() is not threading.main_thread():
        before = {}
    for number in before:
        signal.signal(number, hold)
    try:
        yield received
    finally:
        restore()
    for number in received[:1]:
        signal.raise_signal(number)
