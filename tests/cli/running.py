"""The command as users run it: a process of its own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-m", "neurocodec"]


def neurocodec(
    *arguments: object, stdin: bytes = b"", cwd: Path | None = None, timeout_s: float = 60
) -> "subprocess.CompletedProcess[bytes]":
    """Run one command to its end; its streams are bytes, and a traceback is a failure."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        timeout=timeout_s,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
    return done
