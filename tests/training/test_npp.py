import json
import signal
import sys
import time

import pytest
import torch

from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.losses.quantisation import dct_proxy
from neurocodec.networks import checkpoint
from neurocodec.networks.swap import round_to_levels
from neurocodec.networks.tensors import to_tensor
from neurocodec.training import data, loop, signals
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.config import Config
from neurocodec.training.data import Crops
from neurocodec.training.report import Report
from neurocodec.training.state import Progress, averaged
from tests.conftest import picture
from tests.training.conftest import SLOPES, InterruptedAt


@pytest.fixture
def train(folder, algorithm):
    """A function that trains a tiny preprocessor and gives it back."""

    def run(output, *, report=None, **settings):
        config = Config(
            output, folder, **{"batch": 2, "micro_batch": 1, "size": 32, "save_every": 3} | settings
        )
        with algorithm(micro_batch=config.micro_batch) as step:
            loop.train(step, Crops(data.split(folder, 2), config), config, report)
        return step.network

    return run


def tensors(path):
    return checkpoint.read_tensors(path.read_bytes(), str(path))[0]


def test_a_resumed_training_is_the_uninterrupted_one(train, tmp_path):
    unbroken, parts = tmp_path / "unbroken", tmp_path / "parts"
    train(unbroken, max_steps=5, ema=0.9)
    with pytest.raises(KeyboardInterrupt):
        train(parts, max_steps=5, ema=0.9, report=InterruptedAt(4))
    train(parts, max_steps=5, ema=0.9, resume=True)

    for file in ("state.safetensors", "npp.safetensors"):
        one, other = tensors(unbroken / file), tensors(parts / file)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert steps(parts) == steps(unbroken) == [1, 2, 3, 4, 5]


def steps(output):
    lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    return [line["step"] for line in lines if "loss" in line]


class SamePictures:
    """Crops that are the same two in every step."""

    def batch(self, step):
        return [picture(64, 64, seed=seed) for seed in range(2)]


def test_twenty_steps_on_two_pictures_lower_the_loss(algorithm, tmp_path):
    config = Config(tmp_path, tmp_path, max_steps=20, learning_rate=1e-2)
    with algorithm(qps=[34], micro_batch=2) as step:
        before = step.gradients(SamePictures().batch(0), 0)["loss"]
        loop.train(step, SamePictures(), config)
        after = step.gradients(SamePictures().batch(0), 0)["loss"]

    assert after < 0.97 * before


def test_micro_batches_change_only_the_order_of_sums(train, tmp_path):
    one = train(tmp_path / "one", max_steps=1, micro_batch=1, batch=4)
    all_at_once = train(tmp_path / "all", max_steps=1, micro_batch=4, batch=4)

    for a, b in zip(one.parameters(), all_at_once.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, rtol=1e-3, atol=1e-5)


def test_a_folder_with_a_training_is_not_overwritten(train, tmp_path):
    train(tmp_path, max_steps=1)

    with pytest.raises(UsageError, match="--resume"):
        train(tmp_path, max_steps=1)


def test_minutes_stand_still_when_a_training_is_over(algorithm, tmp_path, monkeypatch):
    with algorithm() as step:
        trained = loop.train(step, SamePictures(), Config(tmp_path, tmp_path, max_steps=1))

    before = trained.progress.minutes
    monkeypatch.setattr(time, "monotonic", lambda: float("inf"))
    assert trained.progress.minutes == before > 0


def test_the_time_left_is_told_by_the_speed_of_this_run(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    progress = Progress(Config(tmp_path, tmp_path, max_steps=10), steps=4, minutes=100.0)
    assert progress.minutes_left == 0  # unknown yet

    clock[0], progress.steps = 120.0, 6
    assert progress.minutes == 102
    assert progress.minutes_left == pytest.approx(4)


def test_there_must_be_something_to_resume(train, tmp_path):
    with pytest.raises(UsageError, match="empty holds no training to resume"):
        train(tmp_path / "empty", max_steps=1, resume=True)


def test_a_training_goes_on_with_its_own_aim(train, algorithm, tmp_path):
    train(tmp_path, max_steps=1)
    config = Config(tmp_path, tmp_path, max_steps=2, resume=True)

    with (
        algorithm(beta=3.0, qps=range(28, 40)) as step,
        pytest.raises(
            UsageError, match=r"was trained with qps \[28, 41\], not \[28, 39\], beta 0.5, not 3.0"
        ),
    ):
        loop.train(step, SamePictures(), config)


def test_a_log_that_was_cut_off_is_mended(train, tmp_path):
    train(tmp_path, max_steps=3)
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 4, "lo')

    train(tmp_path, max_steps=4, resume=True)

    assert steps(tmp_path) == [1, 2, 3, 4]


def test_a_state_of_something_else_is_refused(train, tmp_path):
    train(tmp_path, max_steps=1)
    (tmp_path / "state.safetensors").write_bytes(checkpoint.tensors_file({"a": torch.zeros(1)}, {}))

    with pytest.raises(BadInputError, match="not of this training"):
        train(tmp_path, max_steps=2, resume=True)


def test_a_training_ends_with_its_minutes_and_its_last_step_saved(train, tmp_path):
    train(tmp_path, max_minutes=0.01, save_every=1000)

    state, where = checkpoint.read_tensors((tmp_path / "state.safetensors").read_bytes(), "state")
    assert state
    assert int(where["steps"]) == steps(tmp_path)[-1]
    assert float(where["minutes"]) < 0.5


def test_tensorboard_is_asked_for_where_it_is_absent(train, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)

    with pytest.raises(MissingError, match="pip install tensorboard"):
        train(tmp_path, max_steps=1, log_dir=tmp_path / "board")


def test_bfloat16_leaves_the_weights_in_single_precision(algorithm):
    with algorithm(amp=True) as step, algorithm() as exact:
        half, single = (one.gradients(SamePictures().batch(0), 0)["loss"] for one in (step, exact))

    assert half == pytest.approx(single, rel=0.02)
    assert {parameter.grad.dtype for parameter in step.network.parameters()} == {torch.float32}


class Unlikeness:
    """Mean absolute difference of what is seen of the clean and the decoded picture."""

    task, loss = "classification", "kl"

    def __init__(self):
        self.seen = []

    def target(self, clean, ground_truth):
        self.seen.append(clean)
        return clean

    def __call__(self, target, decoded):
        return (target - decoded).abs().mean((1, 2, 3))


@pytest.mark.parametrize("random_crops", [False, True])
def test_a_recogniser_sees_the_same_crop_of_the_clean_and_the_decoded_picture(
    algorithm, random_crops
):
    pictures, unlikeness = SamePictures().batch(0), Unlikeness()
    options = {"qps": [10], "random_crops": random_crops}
    with algorithm(micro_batch=2, losses={"small": unlikeness}, **options) as step:
        record = step.gradients(pictures, 0)

    uncropped = torch.stack(
        [torch.from_numpy(one.pixels).permute(2, 0, 1) / 255 for one in pictures]
    )
    assert torch.equal(unlikeness.seen[0], uncropped) is not random_crops
    assert record["d_m.small"] < 0.05


def test_every_micro_batch_is_shown_to_the_recognisers_drawn(algorithm):
    recognisers = {name: Unlikeness() for name in "abc"}
    pictures = SamePictures().batch(0) * 8
    slopes = dict.fromkeys(recognisers, SLOPES["small"])
    with algorithm(losses=recognisers, slopes=slopes, drawn=2) as step:
        records = [step.gradients(pictures, number) for number in (0, 0, 1)]

    shown = {name: len(one.seen) for name, one in recognisers.items()}
    micro_batches = 3 * len(pictures)
    assert sum(shown.values()) == 2 * micro_batches
    assert all(micro_batches / 3 < count < micro_batches for count in shown.values()), shown
    assert records[0] == records[1]  # a step draws the same again
    assert records[0].keys() == {"loss", "bpp", "mse", "recognition"}


def test_beta_weighs_what_is_unlike_the_picture(algorithm):
    records = []
    for beta in (0.0, 10.0):
        with algorithm(beta=beta) as step:
            records.append(step.gradients(SamePictures().batch(0), 0))

    without, with_it = records
    assert with_it["mse"] > 0
    assert with_it["loss"] == pytest.approx(without["loss"] + 10 * without["mse"], rel=1e-5)


def test_without_swapping_values_are_the_proxys_and_no_codec_runs(algorithm, monkeypatch):
    pictures = SamePictures().batch(0)
    monkeypatch.setattr(CodecPool, "submit", lambda *arguments: pytest.fail("asked the codec"))
    with algorithm(qps=[34], micro_batch=2, swapping=False) as step:
        record = step.gradients(pictures, 0)

        x, qp = to_tensor(pictures), torch.full((2,), 34.0)
        with torch.no_grad():
            y_hat, r_p = dct_proxy("jpeg")(round_to_levels(step.network(x, qp)), qp)
    loss = step.bench.losses["small"]
    assert record["bpp"] == pytest.approx(float(r_p.mean()), rel=1e-5)
    assert record["d_m.small"] == pytest.approx(
        float(loss(loss.target(x, [None] * 2), y_hat).mean()), rel=1e-4
    )


def test_the_ema_of_weights_and_statistics_forgets_the_start_first():
    network = torch.nn.BatchNorm1d(1)
    ema = averaged(network, decay=0.5)
    expected = 1.0
    for steps, value in enumerate([3.0, 5.0, 9.0], 1):
        with torch.no_grad():
            network.weight.fill_(value)
            network.running_mean.fill_(value)
            network.num_batches_tracked.fill_(steps)
        ema.update_parameters(network)
        decay = 0 if steps == 1 else min(0.5, steps / (10 + steps))
        expected = decay * expected + (1 - decay) * value

    assert ema.module.weight.item() == pytest.approx(expected)
    assert ema.module.running_mean.item() == pytest.approx(expected)
    assert ema.module.num_batches_tracked.item() == 3
    assert not ema.module.training


class SignalledAt(Report):
    """Sends this process a signal when a step is logged."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def step(self, line):
        if line["step"] == 2:
            signal.raise_signal(self.number)


class Terminated(BaseException):
    pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_the_state_and_then_ends(train, tmp_path, number):
    def end(number, frame):
        raise Terminated

    before = signal.signal(number, end)
    try:
        with pytest.raises(Terminated):
            train(tmp_path / "parts", max_steps=4, save_every=100, report=SignalledAt(number))
        assert signal.getsignal(number) is end
    finally:
        signal.signal(number, before)
    where = checkpoint.read_tensors((tmp_path / "parts" / "state.safetensors").read_bytes(), "")[1]
    assert where["steps"] == "2"

    train(tmp_path / "parts", max_steps=4, resume=True)
    train(tmp_path / "unbroken", max_steps=4)
    one, other = (tensors(tmp_path / o / "npp.safetensors") for o in ("parts", "unbroken"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_second_signal_ends_at_once():
    with pytest.raises(KeyboardInterrupt), signals.deferred() as received:
        signal.raise_signal(signal.SIGINT)
        assert received == [signal.SIGINT]
        signal.raise_signal(signal.SIGINT)
        pytest.fail("went on")
