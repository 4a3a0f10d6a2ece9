"""The log of the program, on standard error: programs that run, notes, and with -vv all output."""

import logging
import sys
from typing import TextIO

LOG = logging.getLogger("neurocodec")


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


_HANDLER = _Stderr()
_HANDLER.setFormatter(logging.Formatter("neurocodec: %(message)s"))


def to_stderr(level: int) -> None:
    """Write records of at least this level to standard error."""
    if _HANDLER not in LOG.handlers:
        LOG.addHandler(_HANDLER)
    LOG.setLevel(level)
