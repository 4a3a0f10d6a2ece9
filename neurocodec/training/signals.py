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
        for which, handler in before.items():
            signal.signal(which, handler)

    in_main = threading.current_thread() is threading.main_thread()  # others may set no handler
    handlers = {which: signal.getsignal(which) for which in (_ENDING if in_main else ())}
    before = {
        k: handler for k, handler in handlers.items() if handler not in (signal.SIG_IGN, None)
    }
    for which in before:
        signal.signal(which, hold)
    try:
        yield received
    finally:
        restore()
    for number in received[:1]:
        signal.raise_signal(number)
