"""Locks between processes: they end with the process that holds them, however it ends."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # no locks on this system
    fcntl = None  # type: ignore[assignment]

from neurocodec.errors import UsageError


def take(file: IO[Any]) -> bool | None:
    """Lock a file that is open for writing for this process alone.

    Returns:
        False where another process has it, None where there are no locks.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@contextmanager
def alone(names: Iterable[str]) -> Iterator[None]:
    """Around work on files of these names, which another process of this machine may be at.

    Raises:
        UsageError: it is at exactly the same ones.
    """
    digest = hashlib.sha256()
    for name in names:
        digest.update(os.fsencode(os.path.realpath(name)) + b"\0")
    user = os.getuid() if hasattr(os, "getuid") else 0
    path = Path(tempfile.gettempdir()) / f"neurocodec-{user}-{digest.hexdigest()[:32]}.lock"
    try:
        file = path.open("ab")
    except OSError:  # no place for temporary files: nothing tells others
        yield
        return
    with file:
        if take(file) is False:
            raise UsageError(
                "another neurocodec is writing the very same files: wait for it, or give each "
                "a part with --shard 1/2 and 2/2"
            )
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
