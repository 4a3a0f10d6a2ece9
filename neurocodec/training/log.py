"""The log of a training: a JSON line a step, and the same for TensorBoard."""

import importlib
import json
import math
from collections.abc import Callable
from typing import Any, TextIO

from neurocodec import files
from neurocodec.errors import MissingError
from neurocodec.training.config import Config
from neurocodec.training.state import Progress, Record

LOG = "log.jsonl"


class Log:
    """Lines {"step": …, "minutes": …, …} in the training's folder; a context manager."""

    def __init__(self, config: Config, steps: int, report: Callable[[Record], None]) -> None:
        """Open the log, without lines of steps that a resumed training takes again.

        Raises:
            OutputError: the folder cannot be written.
            MissingError: `log_dir` is given and TensorBoard is not installed.
        """
        self._board = _board(config, steps)
        files.make_folder(config.output)
        path = config.output / LOG
        kept = files.read(str(path)).splitlines() if config.resume and path.exists() else []
        lines = [line for line in kept if _step(line) <= steps]
        files.write(str(path), b"".join(line + b"\n" for line in lines))
        self._file: TextIO = path.open("a", buffering=1)
        self._report = report

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()

    def add(self, progress: Progress, record: Record) -> None:
        """Write a line."""
        whole = {"step": progress.steps, "minutes": round(progress.minutes, 4), **record}
        self._file.write(json.dumps(whole) + "\n")
        self._report(whole)
        if self._board is not None:
            for name, value in record.items():
                self._board.add_scalar(name, value, progress.steps)


def _step(line: bytes) -> float:
    """The step of a line; infinity where a killed training cut the line off."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def require_board(config: Config) -> None:
    """Look for TensorBoard, where its log is asked for.

    Raises:
        MissingError: it is not installed.
    """
    if config.log_dir is None:
        return
    try:
        importlib.import_module("torch.utils.tensorboard")
    except ImportError:
        raise MissingError(
            "--log-dir: TensorBoard is not installed: pip install tensorboard"
        ) from None


def _board(config: Config, steps: int) -> Any:
    """What writes TensorBoard's log; later steps of a training that was killed do not show."""
    require_board(config)
    if config.log_dir is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    files.make_folder(config.log_dir)
    return SummaryWriter(str(config.log_dir), purge_step=steps + 1)
