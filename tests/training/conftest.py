"""Pictures, a recogniser and trainings small enough for a test."""

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from neurocodec import images
from neurocodec.losses import Recognition
from neurocodec.losses.algorithm1 import Objective
from neurocodec.losses.classification import kl_divergence
from neurocodec.losses.quantisation import dct_proxy
from neurocodec.measures.slope import Slope
from neurocodec.networks import checkpoint
from neurocodec.networks.npp import Npp
from neurocodec.networks.precision import precision
from neurocodec.training import npp
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.config import Config
from neurocodec.training.data import Split
from neurocodec.training.loop import Trained
from neurocodec.training.npp import NppAlgorithm, NppOptions
from neurocodec.training.report import Report
from neurocodec.training.workbench import Workbench
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, write

CPU = torch.device("cpu")
SLOPES = {"small": Slope([0.0], [0.0])}
HERE = Path()


@contextmanager
def jpeg_in_process():
    """JPEG without cjpeg and djpeg: starting them takes longer than a small training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurocodec.codecs.jpeg.lookup", lambda tool: None)
        yield


@pytest.fixture(scope="package", autouse=True)
def no_programs():
    """Codecs work in this process."""
    with jpeg_in_process():
        yield


@pytest.fixture(autouse=True)
def one_thread():
    """On tensors this small more threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of eight pictures."""
    path = tmp_path_factory.mktemp("pictures")
    for seed in range(8):
        (path / f"{seed}.png").write_bytes(images.png(picture(40 + 4 * seed, 48, seed=seed)))
    return path


class SmallLoss:
    """KL of a random classifier of a few weights."""

    task = "classification"
    loss = "kl"

    def __init__(self):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.network = nn.Sequential(
                nn.Conv2d(3, 8, 5, stride=4),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(7),
                nn.Flatten(),
                nn.Linear(392, 10),
            )
        self.network.requires_grad_(False)

    @torch.no_grad()
    def target(self, clean, ground_truth):
        return 20 * self.network(clean)

    def __call__(self, target, decoded):
        return kl_divergence(target, 20 * self.network(decoded))


@pytest.fixture
def loss():
    return SmallLoss()


def bench(pool, losses, *, amp=False, pictures=None, report=None, **settings):
    """A workbench around a codec and losses."""
    config = Config(HERE, HERE, device="cpu", **settings)
    computed = precision(CPU, amp=amp)
    return Workbench(config, report or Report(), CPU, computed, pictures or Split(()), losses, pool)


@pytest.fixture
def algorithm(loss):
    """A context with a tiny preprocessor's training step, JPEG in this process as the codec."""

    @contextmanager
    def make(*, arch="npp-light", micro_batch=1, amp=False, slopes=None, losses=None, **options):
        torch.manual_seed(0)
        losses = losses or {"small": loss}
        chosen = {"qps": range(28, 42), "recognition": Recognition(["small"])} | options
        with CodecPool("jpeg", jobs=0) as pool:
            work = bench(pool, losses, amp=amp, micro_batch=micro_batch)
            network, proxy = Npp(arch=arch, width=4), dct_proxy("jpeg")
            named = NppOptions("jpeg", **chosen)
            objective = Objective(losses, slopes or SLOPES, named.beta)
            yield NppAlgorithm(named, work, network, proxy, "DctProxy", objective)

    return make


class Collecting(Report):
    """Keeps everything that a training tells."""

    def __init__(self):
        super().__init__()
        self.statuses, self.notes, self.lines = [], [], []

    def status(self, text):
        self.statuses.append(text)

    progress = status

    def show(self, text):
        self.notes.append(text)

    def step(self, line):
        self.lines.append(line)


class InterruptedAt(Report):
    """Ends a training as a kill does, when it has logged its N-th line."""

    def __init__(self, line):
        super().__init__()
        self.left = line

    def step(self, line):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def assert_resumes(train, folder, weights):
    """A training that is interrupted in its third step and resumed makes the weights of one whole.

    `train` takes the folder of its output, a report, and `resume`.
    """
    unbroken, parts = folder / "unbroken", folder / "parts"
    train(unbroken)
    with pytest.raises(KeyboardInterrupt):
        train(parts, InterruptedAt(3))
    train(parts, resume=True)
    one, other = (
        checkpoint.read_tensors((output / weights).read_bytes(), "x")[0]
        for output in (unbroken, parts)
    )
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@dataclass(frozen=True)
class Finished:
    """A training that ran to its end."""

    output: Path
    trained: Trained
    report: Collecting

    @property
    def log(self):
        return [json.loads(line) for line in (self.output / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished `train-npp` of two steps: with a picture that cannot be read, and a board."""
    root = tmp_path_factory.mktemp("finished")
    (root / "pictures").mkdir()
    for seed in range(12):
        image = images.png(picture(64, 56, seed=seed))
        (root / "pictures" / f"{seed}.png").write_bytes(image if seed else b"hello")
    options = NppOptions(
        "jpeg", range(28, 42), Recognition([str(write(root, CLASSIFIER))]), "npp-light", lmbda="1"
    )
    config = Config(
        root / "out",
        root / "pictures",
        max_steps=2,
        batch=8,
        size=32,
        validation=9,
        jobs=0,
        device="cpu",
        log_dir=root / "board",
    )
    report = Collecting()
    with jpeg_in_process():
        return Finished(root / "out", npp.train(options, config, report), report)
