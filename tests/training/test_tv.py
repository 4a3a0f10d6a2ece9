import pytest
import torch

from neurocodec.errors import UsageError
from neurocodec.losses import Recognition
from neurocodec.losses.pixels import total_variation
from neurocodec.networks import checkpoint, segnet
from neurocodec.networks.segnet import SegNet
from neurocodec.networks.tensors import to_tensor
from neurocodec.networks.tv import Tv
from neurocodec.training import data, loop
from neurocodec.training.config import Config
from neurocodec.training.data import Crops
from neurocodec.training.tv import TvAlgorithm, TvOptions
from tests.conftest import picture
from tests.training.conftest import InterruptedAt, bench

NETWORKS = {"tv": Tv, "segnet": SegNet}


@pytest.fixture
def train_step(loss):
    """A function that makes the step of a tiny filter."""

    def make(kind="tv", *, lmbda=1.0, names=("small",), micro_batch=2, amp=False, **chosen):
        torch.manual_seed(0)
        recognition = Recognition(names)
        lmbda = lmbda if isinstance(lmbda, tuple) else (lmbda, lmbda)
        chosen = {"copy_steps": 0, **chosen}
        options = TvOptions("jpeg", recognition, kind, 4, lmbda, **chosen)
        work = bench(None, dict.fromkeys(names, loss), amp=amp, micro_batch=micro_batch)
        network = Tv(4, lmbda) if options.adapts else NETWORKS[kind](width=4)
        return TvAlgorithm(options, work, network)

    return make


@pytest.fixture
def told(monkeypatch):
    """What every call of a SegNet is told beside the pictures."""
    seen = []
    forward = SegNet.forward
    monkeypatch.setattr(
        SegNet, "forward", lambda *args, **told: seen.append(told) or forward(*args, **told)
    )
    return seen


class SamePictures:
    """Crops that are the same two in every step."""

    def batch(self, step):
        return [picture(64, 64, seed=seed) for seed in range(2)]


PICTURES = SamePictures().batch(0)


@pytest.mark.parametrize(("kind", "copy_steps"), [("tv", 0), ("segnet", 0), ("segnet", 1000)])
def test_twenty_steps_on_two_pictures_lower_the_loss(train_step, tmp_path, kind, copy_steps):
    algorithm = train_step(kind, copy_steps=copy_steps)
    rates = {"learning_rate": 3e-3, "last_learning_rate": 3e-3}
    before = algorithm.gradients(PICTURES, 0)["loss"]

    loop.train(algorithm, SamePictures(), Config(tmp_path, tmp_path, max_steps=20, **rates))

    assert algorithm.gradients(PICTURES, 20)["loss"] < 0.97 * before


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_resumed_training_is_the_uninterrupted_one(
    train_step, folder, tmp_path, monkeypatch, kind
):
    monkeypatch.setattr(segnet, "_SETTLING", 3)  # within each of the two parts, too

    def train(output, report=None, **settings):
        config = Config(output, folder, max_steps=5, size=32, batch=2, save_every=2, **settings)
        crops = Crops(data.split(folder, 2), config)
        loop.train(train_step(kind, copy_steps=2, micro_batch=1), crops, config, report)

    unbroken, parts = tmp_path / "unbroken", tmp_path / "parts"
    train(unbroken)
    with pytest.raises(KeyboardInterrupt):
        train(parts, InterruptedAt(3))
    train(parts, resume=True)

    for file in ("state.safetensors", f"{kind}.safetensors"):
        one, other = (
            checkpoint.read_tensors((output / file).read_bytes(), file)[0]
            for output in (unbroken, parts)
        )
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_loss_is_recognition_and_lambda_times_tv(train_step):
    record = train_step("segnet", lmbda=3.0).gradients(PICTURES, 0)

    assert record["loss"] == pytest.approx(record["d_m.small"] + 3 * record["tv"])
    assert record.keys() == {"loss", "tv", "mse", "d_m.small"}


def test_lambda_zero_only_recognises(train_step):
    record = train_step("segnet", lmbda=0.0).gradients(PICTURES, 0)

    assert record["loss"] == record["d_m.small"] > 0


def test_several_recognisers_weigh_as_one(train_step):
    one = train_step("segnet").gradients(PICTURES, 0)
    two = train_step("segnet", names=("small", "same")).gradients(PICTURES, 0)

    assert two["d_m.same"] == two["d_m.small"] == one["d_m.small"]
    assert two["loss"] == pytest.approx(one["loss"])


def test_it_learns_to_copy_first(train_step):
    algorithm = train_step("segnet", copy_steps=3)

    first, then = algorithm.gradients(PICTURES, 2), algorithm.gradients(PICTURES, 3)

    assert first["loss"] == first["mse"]
    assert first.keys() == {"loss", "mse"}
    assert "d_m.small" in then


def test_segnet_learns_to_copy_by_one_stage_after_the_other(train_step, told):
    algorithm = train_step("segnet", copy_steps=16, micro_batch=2)

    for step in (0, 1, 2, 5, 7, 8, 15, 16):
        algorithm.gradients(PICTURES, step)

    assert told == [{"depth": depth} for depth in (1, 1, 2, 3, 4, 5, 5)] + [{}]


def test_a_network_to_begin_with_copies_by_all_stages(train_step, told):
    train_step("segnet", copy_steps=16, start="weights").gradients(PICTURES, 0)

    assert told == [{}]


def test_micro_batches_change_only_the_order_of_sums(train_step):
    four = [picture(64, 64, seed=seed) for seed in range(4)]
    one, full = train_step(micro_batch=1), train_step(micro_batch=4)

    records = [algorithm.gradients(four, 0) for algorithm in (one, full)]

    assert records[0] == pytest.approx(records[1], abs=1e-6)
    for a, b in zip(one.network.parameters(), full.network.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kind", NETWORKS)
def test_bfloat16_leaves_the_weights_in_single_precision(train_step, kind):
    half, single = train_step(kind, amp=True), train_step(kind)

    losses = [algorithm.gradients(PICTURES, 0)["loss"] for algorithm in (half, single)]

    assert losses[0] == pytest.approx(losses[1], rel=0.1)
    assert {parameter.grad.dtype for parameter in half.network.parameters()} == {torch.float32}


def test_the_weights_say_what_made_them(train_step, tmp_path):
    algorithm = train_step("segnet", lmbda=0.5, copy_steps=1)

    loop.train(algorithm, SamePictures(), Config(tmp_path, tmp_path, max_steps=2))

    stored = checkpoint.load((tmp_path / "segnet.safetensors").read_bytes(), "segnet")
    assert stored.kind == "segnet"
    assert stored.network.config == {"width": 4}
    assert (stored.made["lmbda"], stored.made["copy_steps"]) == (0.5, 1)
    assert stored.made["recognisers"] == ["small"]
    assert "qps" not in stored.made


def test_a_filter_of_a_range_of_lmbda_learns_to_tell_them_apart(train_step, tmp_path):
    algorithm = train_step(lmbda=(1.0, 100.0))
    rates = {"learning_rate": 3e-3, "last_learning_rate": 3e-3}

    loop.train(algorithm, SamePictures(), Config(tmp_path, tmp_path, max_steps=60, **rates))

    stored = checkpoint.load((tmp_path / "tv.safetensors").read_bytes(), "tv")
    x = to_tensor(PICTURES)
    with torch.no_grad():
        mild, strong = (
            total_variation(stored.network(x, lmbda=lmbda)).mean() for lmbda in (1.0, 100.0)
        )
    assert stored.made["lmbda"] == [1.0, 100.0]
    assert strong < 0.98 * mild
    with pytest.raises(UsageError, match="1 to 100"):
        stored.network(x, lmbda=torch.tensor([101.0, 2.0]))


def test_lmbda_is_drawn_for_every_picture_and_is_the_same_again(train_step):
    first, again, next_step = (train_step(lmbda=(1.0, 40.0))._lmbda(8, n) for n in (3, 3, 4))

    assert torch.equal(first, again)
    assert not torch.equal(first, next_step)
    assert len(set(first.tolist())) == 8
    assert first.min() >= 1
    assert first.max() <= 40
