"""The settings that every training has, beside those of its algorithm."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """The settings of one training.

    Attributes:
        output: folder for weights, state and log.
        data: folder of pictures.
        max_steps: stop after this many steps, counting resumed runs; None is no limit.
        max_minutes: stop after this many minutes, counting resumed runs; None is no limit.
        batch: pictures a step, of all processes together.
        micro_batch: pictures that go through codec and networks together.
        size: side of a crop, in pixels.
        blur_augmentation: largest sigma by which crops are blurred at random, in pixels; 0 is off.
        learning_rate: Adam's initial learning rate.
        last_learning_rate: Adam's learning rate at the end of half a cosine.
        ema: decay of the exponential moving average of the weights, which is what is saved; 0
            saves the last weights themselves.
        validation: pictures kept apart from training; None is 32, but at most a quarter.
        validate_every: steps between validations; 0 validates at the end only.
        save_every: steps between saves.
        jobs: processes that encode and decode, for each process that trains.
        seed: of weights, order, crops and QPs.
        device: "cpu", "cuda" or "auto".
        amp: compute networks in bfloat16.
        compile: compile the network that learns.
        resume: go on from the state in `output`.
        log_dir: folder for TensorBoard, or None.
        command: the command line, for the record in the weights.
    """

    output: Path
    data: Path
    max_steps: int | None = None
    max_minutes: float | None = None
    batch: int = 8
    micro_batch: int = 4
    size: int = 224
    blur_augmentation: float = 0.0
    learning_rate: float = 1e-4
    last_learning_rate: float = 1e-5
    ema: float = 0.0
    validation: int | None = None
    validate_every: int = 0
    save_every: int = 100
    jobs: int = 1
    seed: int = 0
    device: str = "auto"
    amp: bool = False
    compile: bool = False
    resume: bool = False
    log_dir: Path | None = None
    command: str = ""
