"""The command as users run it, in this process: a process of its own only costs seconds."""

import io
import logging
import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from neurocodec import cli, pipeline
from neurocodec.logs import LOG

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-m", "neurocodec"]


def neurocodec(
    *arguments: object, stdin: bytes = b"", cwd: Path | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """Run one command to its end; its streams are bytes, and a traceback is a failure."""
    pipeline.prepared.cache_clear()
    words = ["neurocodec", *map(str, arguments)]
    streams = [io.TextIOWrapper(io.BytesIO(data), write_through=True) for data in (stdin, b"", b"")]
    with pytest.MonkeyPatch.context() as patch, chdir(cwd or Path.cwd()):
        patch.setattr(sys, "argv", words)
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patch.setattr(sys, name, stream)
        patch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
        code = cli.exit_code(cli.neurocodec, "neurocodec")
        LOG.setLevel(logging.NOTSET)
    output, errors = (stream.buffer.getvalue() for stream in streams[1:])
    assert b"Traceback" not in errors, errors.decode(errors="replace")
    return subprocess.CompletedProcess(words, code, output, errors)
