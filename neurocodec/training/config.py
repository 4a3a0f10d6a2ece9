"""What every training is told, beside what its own algorithm takes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """The settings of one training run.

    Attributes:
        output: the folder for weights, state and log.
        data: the folder of pictures.
        max_steps: stop after so many, counted from the very start; None is no limit.
        max_minutes: stop after so many, over all runs that a resumed one had; None is no limit.
        batch: pictures a step, of all processes together.
        micro_batch: pictures that go through codec and networks together.
        size: of a crop's side, in pixels.
        soften: the most that crops are blurred by, a sigma in pixels; 0 leaves them as they are.
        learning_rate: of Adam at first.
        last_learning_rate: at the end; between them half a cosine.
        average: decay of the exponential mean of the weights, which is what is saved; 0 saves the
            last weights themselves.
        validation: pictures kept apart from training; None is 32, but at most a quarter.
        validate_every: steps; 0 never validates.
        save_every: steps.
        jobs: processes that encode and decode, for each process that trains.
        seed: of weights, order, crops and QPs.
        device: "cpu", "cuda" or "auto".
        amp: whether networks compute in bfloat16.
        compile: whether the network that learns goes through torch.compile.
        resume: go on from the state in `output`.
        log_dir: for TensorBoard, or None.
        command: what was typed, for the record in the weights.
    """

    output: Path
    data: Path
    max_steps: int | None = None
    max_minutes: float | None = None
    batch: int = 8
    micro_batch: int = 4
    size: int = 224
    soften: float = 0.0
    learning_rate: float = 1e-4
    last_learning_rate: float = 1e-5
    average: float = 0.0
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
