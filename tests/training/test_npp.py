import json
import sys
import time

import pytest
import torch

from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.networks import checkpoint
from neurocodec.networks.swap import round_to_levels
from neurocodec.networks.tensors import to_tensor
from neurocodec.training import data, loop
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.config import Config
from neurocodec.training.data import Crops
from neurocodec.training.quantisation import dct_proxy
from tests.conftest import picture


@pytest.fixture
def train(folder, algorithm):
    """A function that trains a tiny preprocessor and gives it back."""

    def run(output, *, report=lambda record: None, **settings):
        config = Config(
            output, folder, **{"batch": 2, "micro_batch": 1, "size": 32, "save_every": 3} | settings
        )
        crops = Crops(data.split(folder, 2).training, size=32, batch=config.batch, seed=0)
        with algorithm(micro_batch=config.micro_batch) as made:
            loop.train(made, crops, config, report)
        return made.network

    return run


def tensors(path):
    return checkpoint.read_tensors(path.read_bytes(), str(path))[0]


def test_a_resumed_training_is_the_uninterrupted_one(train, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(whole, max_steps=5, average=0.9)
    with pytest.raises(KeyboardInterrupt):
        train(parts, max_steps=5, average=0.9, report=interrupt_at(4))
    train(parts, max_steps=5, average=0.9, resume=True)

    for file in ("state.safetensors", "npp.safetensors"):
        one, other = tensors(whole / file), tensors(parts / file)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert steps(parts) == steps(whole) == [1, 2, 3, 4, 5]


def interrupt_at(step):
    def report(record):
        if record["step"] == step:
            raise KeyboardInterrupt

    return report


def steps(output):
    return [json.loads(line)["step"] for line in (output / "log.jsonl").read_text().splitlines()]


class SamePictures:
    """Crops that are the same two in every step."""

    def batch(self, step):
        return [picture(64, 64, seed=seed) for seed in range(2)]


def test_twenty_steps_on_two_pictures_lower_the_loss(algorithm, tmp_path):
    config = Config(tmp_path, tmp_path, max_steps=20, learning_rate=1e-2)
    with algorithm(qps=[34], micro_batch=2) as made:
        before = made.gradients(SamePictures().batch(0), 0)["loss"]
        loop.train(made, SamePictures(), config)
        after = made.gradients(SamePictures().batch(0), 0)["loss"]

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


def test_minutes_stand_still_when_a_training_is_over(algorithm, tmp_path):
    with algorithm() as made:
        progress = loop.train(made, SamePictures(), Config(tmp_path, tmp_path, max_steps=1))

    minutes = progress.minutes
    time.sleep(0.01)
    assert progress.minutes == minutes > 0


def test_there_must_be_something_to_resume(train, tmp_path):
    with pytest.raises(UsageError, match="there is none"):
        train(tmp_path / "empty", max_steps=1, resume=True)


def test_a_training_goes_on_with_its_own_aim(train, algorithm, tmp_path):
    train(tmp_path, max_steps=1)
    config = Config(tmp_path, tmp_path, max_steps=2, resume=True)

    with (
        algorithm(beta=3.0, qps=range(28, 40)) as made,
        pytest.raises(
            UsageError, match=r"it had qps \[28, 41\], not \[28, 39\], beta 0.5, not 3.0"
        ),
    ):
        loop.train(made, SamePictures(), config)


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


def test_tensorboard_has_what_the_log_has(train, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = tmp_path / "board"
    train(tmp_path / "out", max_steps=2, log_dir=board)
    train(tmp_path / "out", max_steps=3, log_dir=board, resume=True)

    shown = EventAccumulator(str(board))
    shown.Reload()
    logged = [
        json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()
    ]
    for name in ("loss", "bpp", "learning_rate"):
        scalars = [(scalar.step, scalar.value) for scalar in shown.Scalars(name)]
        assert scalars == [(line["step"], pytest.approx(line[name])) for line in logged]


def test_bfloat16_leaves_the_weights_in_single_precision(algorithm):
    with algorithm(amp=True) as made, algorithm() as exact:
        half, single = (one.gradients(SamePictures().batch(0), 0)["loss"] for one in (made, exact))

    assert half == pytest.approx(single, rel=0.02)
    assert {parameter.grad.dtype for parameter in made.network.parameters()} == {torch.float32}


def test_the_weights_say_what_made_them(train, tmp_path):
    train(tmp_path, max_steps=2)

    made = checkpoint.load((tmp_path / "npp.safetensors").read_bytes(), "npp").made

    assert made["steps"] == 2
    assert made["codec"] == "jpeg"
    assert made["qps"] == [28, 41]
    assert made["recognisers"] == ["small"]
    assert made["config"]["batch"] == 2


class Unlikeness:
    """Mean absolute difference of what is seen of the clean and the decoded picture."""

    task, loss = "classification", "kl"

    def __init__(self):
        self.seen = []

    def answer(self, clean, truths):
        self.seen.append(clean)
        return clean

    def __call__(self, answer, decoded):
        return (answer - decoded).abs().mean((1, 2, 3))


@pytest.mark.parametrize("partial_views", [False, True])
def test_a_recogniser_sees_the_same_part_of_the_clean_and_the_decoded_picture(
    algorithm, partial_views
):
    pictures = SamePictures().batch(0)
    with algorithm(qps=[10], micro_batch=2, partial_views=partial_views) as made:
        unlikeness = Unlikeness()
        made._distances = {"small": unlikeness}
        record = made.gradients(pictures, 0)

    whole = torch.stack([torch.from_numpy(one.pixels).permute(2, 0, 1) / 255 for one in pictures])
    assert torch.equal(unlikeness.seen[0], whole) is not partial_views
    assert record["d_m.small"] < 0.05


def test_beta_weighs_what_is_unlike_the_picture(algorithm):
    records = []
    for beta in (0.0, 10.0):
        with algorithm(beta=beta) as made:
            records.append(made.gradients(SamePictures().batch(0), 0))

    without, with_it = records
    assert with_it["mse"] > 0
    assert with_it["loss"] == pytest.approx(without["loss"] + 10 * without["mse"], rel=1e-5)


def test_without_swapping_values_are_the_proxys_and_no_codec_runs(algorithm, monkeypatch):
    pictures = SamePictures().batch(0)
    monkeypatch.setattr(CodecPool, "submit", lambda *given: pytest.fail("asked the codec"))
    with algorithm(qps=[34], micro_batch=2, swapping=False) as made:
        record = made.gradients(pictures, 0)

        x, qp = to_tensor(pictures), torch.full((2,), 34.0)
        with torch.no_grad():
            y_hat, r_p = dct_proxy("jpeg")(round_to_levels(made.network(x, qp)), qp)
    distance = made._distances["small"]
    assert record["bpp"] == pytest.approx(float(r_p.mean()), rel=1e-5)
    assert record["d_m.small"] == pytest.approx(
        float(distance(distance.answer(x, [None] * 2), y_hat).mean()), rel=1e-4
    )
