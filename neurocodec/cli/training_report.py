"""The status of a training on standard error."""

import logging
import os
import sys
import time

from neurocodec.cli import console
from neurocodec.logs import LOG
from neurocodec.training.report import Record, Report

_TERMINAL_S, _OTHER_S = 2.0, 10.0  # from one line to the next line of progress


class TerminalReport(Report):
    """Status and notes on standard error; a context manager.

    A change of phase shows at once, and within a phase progress shows now and then: on a terminal
    on one line, rewritten every two seconds, elsewhere on a line every ten. Of several processes
    that train, the first one shows them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._terminal = sys.stderr.isatty()
        is_first = os.environ.get("RANK", "0") == "0"  # torchrun's; asking torch takes seconds
        self._quiet = not (is_first and LOG.isEnabledFor(logging.WARNING))
        self._next_s = 0.0

    def __enter__(self) -> "TerminalReport":
        return self

    def __exit__(self, *exception: object) -> None:
        self._clear()

    def status(self, text: str) -> None:
        """Show the text at once."""
        if self._quiet:
            return
        self._next_s = time.monotonic() + (_TERMINAL_S if self._terminal else _OTHER_S)
        if self._terminal:
            _rewrite(text)
        else:
            console.note(text)

    def progress(self, text: str) -> None:
        """Show the text, unless the last line is fresh."""
        if time.monotonic() >= self._next_s:
            self.status(text)

    def show(self, text: str) -> None:
        """Show the text at once."""
        self._clear()
        console.note(text)

    def step(self, line: Record) -> None:
        """Show step, loss, speed and time left."""
        if "loss" in line:
            self.progress(
                f"step {line['step']:.0f}  loss {line['loss']:.4g}  "
                f"{line['pictures_per_s']:.3g} pictures/s  {_duration(line['minutes_left'])} left"
            )

    def _clear(self) -> None:
        if self._terminal and not self._quiet:
            _rewrite("")


def _rewrite(text: str) -> None:
    """Replace the terminal's last line."""
    sys.stderr.write(f"\r\x1b[K{text}")
    sys.stderr.flush()


def _duration(minutes: float) -> str:
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
