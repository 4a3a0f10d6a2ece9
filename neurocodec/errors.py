"""Every error that neurocodec raises on purpose, and the exit code of each.

NeurocodecError            1   (never raised itself: an unexpected error is a bug, exit 1)
├── BugError               1   … that cost one of many items only
├── UsageError             2   the request makes no sense as typed
├── MissingError           3   a tool or a weight is missing, or is of a wrong version
├── ToolError              4   a tool failed
│   ├── ToolCrashError     4   … by a signal
│   └── ToolTimeoutError   4   … or did not end in time
├── BadInputError          5   a picture or a stream cannot be read
├── OutputError            6   the result cannot be written
│   └── DiskFullError      6   … nor can any other: the disk is full
└── NotComparableError     7   two curves that no honest number compares

A message is one line: what, which file or command, and what to do next.
"""


class NeurocodecError(Exception):
    """Base of every error raised on purpose; `exit_code` is the process's exit status."""

    exit_code = 1


class BugError(NeurocodecError):
    """An unexpected error, of one of many items: the others go on."""


class UsageError(NeurocodecError):
    """The request makes no sense as typed."""

    exit_code = 2


class MissingError(NeurocodecError):
    """A tool or a weight is missing, or is of a version that does not serve."""

    exit_code = 3


class ToolError(NeurocodecError):
    """An external program failed, or promised a result and brought none."""

    exit_code = 4


class ToolCrashError(ToolError):
    """An external program was killed by a signal: it crashed."""


class ToolTimeoutError(ToolError):
    """An external program or a worker did not end in time."""


class BadInputError(NeurocodecError):
    """A picture or a stream cannot be read."""

    exit_code = 5


class OutputError(NeurocodecError):
    """The result cannot be written."""

    exit_code = 6


class DiskFullError(OutputError):
    """No result can be written any more: the disk or the quota is full."""


class NotComparableError(NeurocodecError):
    """Two rate–accuracy curves that no honest number compares."""

    exit_code = 7
