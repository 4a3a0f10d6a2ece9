import json

import pytest
import torch

from neurocodec.errors import UsageError
from neurocodec.networks import checkpoint
from neurocodec.networks.dct import DctProxy
from neurocodec.networks.npp import Npp
from neurocodec.networks.precision import precision
from neurocodec.training import data, loop
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.config import Config
from neurocodec.training.data import Crops
from neurocodec.training.exchange import ExchangeRates
from neurocodec.training.npp import NppAlgorithm

RATES = ExchangeRates([0.0], {"small": [0.0]})


@pytest.fixture
def train(folder, distance):
    """A function that trains a tiny preprocessor and gives it back."""

    def run(output, *, arch="npp-light", images=None, report=lambda record: None, **settings):
        torch.manual_seed(0)
        config = Config(
            output, folder, **{"batch": 2, "micro_batch": 1, "size": 64, "save_every": 3} | settings
        )
        paths = data.split(folder, 2).training[:images]
        with CodecPool("jpeg", jobs=0) as pool:
            algorithm = NppAlgorithm(
                Npp(arch=arch, width=8),
                DctProxy(),
                pool,
                {"small": distance},
                RATES,
                qps=range(28, 42),
                micro_batch=config.micro_batch,
                seed=config.seed,
                precision=precision(torch.device("cpu"), amp=False),
                validation=lambda network: {},
            )
            crops = Crops(paths, size=config.size, batch=config.batch, seed=config.seed)
            loop.train(algorithm, crops, config, report)
        return algorithm.network

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


def test_twenty_steps_on_two_pictures_lower_the_loss(train, tmp_path):
    losses = []

    train(
        tmp_path / "out",
        images=2,
        max_steps=20,
        learning_rate=3e-3,
        report=lambda record: losses.append(record["loss"]),
    )

    assert sum(losses[-5:]) < 0.97 * sum(losses[:5])


def test_micro_batches_change_only_the_order_of_sums(train, tmp_path):
    one = train(tmp_path / "one", max_steps=1, micro_batch=1, batch=4)
    all_at_once = train(tmp_path / "all", max_steps=1, micro_batch=4, batch=4)

    for a, b in zip(one.parameters(), all_at_once.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, rtol=1e-3, atol=1e-5)


def test_a_folder_with_a_training_is_not_overwritten(train, tmp_path):
    train(tmp_path, max_steps=1)

    with pytest.raises(UsageError, match="--resume"):
        train(tmp_path, max_steps=1)


def test_there_must_be_something_to_resume(train, tmp_path):
    with pytest.raises(UsageError, match="there is none"):
        train(tmp_path / "empty", max_steps=1, resume=True)


def test_the_weights_say_what_made_them(train, tmp_path):
    train(tmp_path, max_steps=2)

    made = checkpoint.load((tmp_path / "npp.safetensors").read_bytes(), "npp").made

    assert made["steps"] == 2
    assert made["codec"] == "jpeg"
    assert made["qps"] == [28, 41]
    assert made["recognisers"] == ["small"]
    assert made["config"]["batch"] == 2
