"""`train-tv`, put together from what the command line says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from neurocodec.errors import UsageError
from neurocodec.networks import devices, memory
from neurocodec.networks.precision import precision
from neurocodec.networks.segnet import SegNet
from neurocodec.networks.tv import Tv
from neurocodec.training import distances, loop
from neurocodec.training.assembly import pictures
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.config import Config
from neurocodec.training.state import Progress, Record
from neurocodec.training.tv import TvAlgorithm
from neurocodec.training.validation import Validation

_NETWORKS: dict[str, type[Tv | SegNet]] = {"tv": Tv, "segnet": SegNet}
_COPY_STEPS = {"tv": 0, "segnet": 1000}


@dataclass(frozen=True)
class TvOptions:
    """What `train-tv` takes beside the settings of every training.

    Attributes:
        arch: "tv" or "segnet".
        width: channels of the first stage; None is the architecture's own.
        models: the recognisers, as `recognisers.load` takes them.
        lmbda: λ, the weight of TV.
        copy_steps: of learning to copy first; None is none for tv, 1000 for segnet.
        codec: "name:key=value", for the BD-rate of a validation only.
        task: of the recognisers, a key of distances.LOSSES.
        loss: "name:key=value", L_recog; None is the task's default.
    """

    arch: str
    width: int | None
    models: Sequence[str]
    lmbda: float
    copy_steps: int | None
    codec: str
    task: str = "classification"
    loss: str | None = None


def train_tv(options: TvOptions, config: Config, report: Callable[[Record], None]) -> Progress:
    """Train a filter for recognisers and a low total variation, without a codec.

    Raises:
        UsageError: an option names what is not known or does not fit.
        MissingError: weights cannot be had.
        BadInputError: a file or a picture cannot be read.
        ToolError: the codec failed in a validation.
    """
    copy_steps = _copy_steps(options, config)
    memory.keep()
    device = devices.resolve(config.device)
    torch.manual_seed(config.seed)
    width = {} if options.width is None else {"width": options.width}
    network = _NETWORKS[options.arch](**width).to(device).to(memory_format=torch.channels_last)
    found = pictures.split(config, options.task, options.loss)
    computed = precision(device, amp=config.amp)
    recognised = distances.load(options.models, device.type, computed, options.task, options.loss)
    with CodecPool(options.codec, jobs=config.jobs) as pool:
        algorithm = TvAlgorithm(
            network,
            options.arch,
            recognised,
            lmbda=options.lmbda,
            copy_steps=copy_steps,
            micro_batch=config.micro_batch,
            precision=computed,
            validation=Validation(pool, recognised, pictures.validation(found, config), device),
        )
        return loop.train(algorithm, pictures.crops(found, config), config, report)


def _copy_steps(options: TvOptions, config: Config) -> int:
    chosen = _COPY_STEPS[options.arch] if options.copy_steps is None else options.copy_steps
    if config.max_steps is not None and config.max_steps <= chosen:
        raise UsageError(
            f"all of the {config.max_steps} steps would go to copying: raise --max-steps, or lower "
            f"--copy-steps {chosen}"
        )
    return chosen
