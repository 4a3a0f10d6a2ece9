"""The log of a training: a JSON line a step, and the same for TensorBoard."""

import importlib
import json
import math
from collections.abc import Sequence
from typing import Any, TextIO

from neurocodec import files
from neurocodec.errors import MissingError
from neurocodec.training.config import Config
from neurocodec.training.report import Record, Report
from neurocodec.training.state import Progress

LOG = "log.jsonl"


class Log:
    """Lines {"step": …, "minutes": …, …} in the training's folder; a context manager.

    Lines of steps that a resumed training takes again are dropped. To count steps it needs the
    training's state, so that it begins with the first step; the phases before, such as measuring
    the rate–distortion slope, are told on standard error only.
    """

    def __init__(self, config: Config, progress: Progress, report: Report) -> None:
        self._board = _board(config, progress.steps)
        files.make_folder(config.output)
        path = config.output / LOG
        before = files.read(str(path)).splitlines() if config.resume and path.exists() else []
        lines = [line for line in before if _step(line) <= progress.steps]
        files.write(str(path), b"".join(line + b"\n" for line in lines))
        self._file: TextIO = path.open("a", buffering=1)
        self._progress = progress
        self._report = report

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()

    def add(self, record: Record, remarks: Sequence[str] = ()) -> None:
        """Write what was measured, remarks on it, and the notes that came meanwhile."""
        for note in (*self._report.take_notes(), *remarks):
            self._write({"note": note})
        if not record:
            return
        self._report.step(self._write(record))
        if self._board is not None:
            for name, value in record.items():
                self._board.add_scalar(name, value, self._progress.steps)

    def _write(self, fields: dict[str, Any]) -> dict[str, Any]:
        minutes = round(self._progress.minutes, 4)
        line = {"step": self._progress.steps, "minutes": minutes, **fields}
        self._file.write(json.dumps(line) + "\n")
        return line


def _step(line: bytes) -> float:
    """The step of a line; infinity where a killed training cut the line off."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def require_board(config: Config) -> None:
    """Look for TensorBoard if the training is to write its log.

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
    """TensorBoard's writer; steps that a killed training took after its state do not show."""
    require_board(config)
    if config.log_dir is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    files.make_folder(config.log_dir)
    return SummaryWriter(str(config.log_dir), purge_step=steps + 1)
