"""The parts of a training that are loaded once: device, precision, pictures, losses, codec."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from neurocodec import losses
from neurocodec.images import Image
from neurocodec.losses import RecogniserLoss, Recognition
from neurocodec.networks import devices
from neurocodec.networks.precision import Precision, precision
from neurocodec.training import data
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.config import Config
from neurocodec.training.data import Crops, Split
from neurocodec.training.report import Report
from neurocodec.training.validation import FilterValidation

_MOST_READERS = 4
_CPUINFO = Path("/proc/cpuinfo")
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # the last is ARM's


@dataclass(frozen=True, eq=False)
class Workbench:
    """The loaded parts of a training.

    Attributes:
        config: its settings, `amp` off where the processor does not serve it.
        report: for its messages.
        device: that computes.
        precision: of the networks.
        pictures: to train on, and kept apart.
        losses: D_m by recogniser.
        pool: the codec.
    """

    config: Config
    report: Report
    device: torch.device
    precision: Precision
    pictures: Split
    losses: Mapping[str, RecogniserLoss]
    pool: CodecPool

    def crops(self) -> Crops:
        """Batches of the training pictures."""
        return Crops(self.pictures, self.config, self.report, self.readers)

    @property
    def readers(self) -> int:
        """Processes that read training pictures: on a GPU as many as code, up to four."""
        return min(_MOST_READERS, self.config.jobs) if self.device.type == "cuda" else 0

    def centres(self, paths: Sequence[Path]) -> list[Image]:
        """The middles of some of the pictures, those left out that cannot be read."""
        return self.pictures.centres(paths, self.config.size, self.report)

    @cached_property
    def kept_apart(self) -> list[Image]:
        """The middles of the pictures kept apart."""
        return self.centres(self.pictures.validation)

    @cached_property
    def validation(self) -> FilterValidation:
        """BD-rates of a filter."""
        return FilterValidation(self.pool, self.losses, self.kept_apart, self.device, self.report)


@contextmanager
def workbench(
    config: Config, report: Report, codec: str, recognition: Recognition | None = None
) -> Iterator[Workbench]:
    """Make the workbench; the codec's processes end with the block."""
    devices.keep_memory()
    device = devices.resolve(config.device)
    config = replace(config, amp=config.amp and _serves_amp(device, report))
    computed = precision(device, amp=config.amp)
    report.status("looking for pictures")
    needs_labels = recognition is not None and recognition.loss == losses.LABELS
    task = recognition.task if recognition is not None and needs_labels else None
    pictures = data.split(config.data, config.validation, task)
    recognised: dict[str, RecogniserLoss] = {}
    if recognition is not None:
        report.status("loading recognisers")
        recognised = losses.load(recognition, device.type, computed)
    with CodecPool(codec, jobs=config.jobs) as pool:
        yield Workbench(config, report, device, computed, pictures, recognised, pool)


def _serves_amp(device: torch.device, report: Report) -> bool:
    if device.type != "cpu" or has_bfloat16():
        return True
    report.note(
        "--amp is off: this processor has no bfloat16 instructions (AVX-512-BF16 or AMX), and "
        "without them bfloat16 is several times slower than float32"
    )
    return False


def has_bfloat16() -> bool:
    """Ask the processor for bfloat16 instructions; where nothing tells, it has none."""
    try:
        words = _CPUINFO.read_text(errors="replace").split()
    except OSError:
        return False
    return not _BFLOAT16_FLAGS.isdisjoint(words)
