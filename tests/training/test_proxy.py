import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from neurocodec.errors import UsageError
from neurocodec.networks import checkpoint
from neurocodec.networks.npp import Npp
from neurocodec.training import data, loop
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.config import Config
from neurocodec.training.data import Crops
from neurocodec.training.report import Report
from neurocodec.training.validation import ProxyValidation, rate_agreement
from tests.conftest import picture
from tests.training.conftest import CPU, HERE, InterruptedAt, bench

pytest.importorskip("compressai")
from neurocodec.networks.proxy import Proxies, Proxy
from neurocodec.training import proxy
from neurocodec.training.proxy import CodedCrops, ProxyAlgorithm, ProxyOptions

OPTIONS = ProxyOptions("jpeg", [34], True, 8, 12, None, 0.5)


@pytest.fixture
def pool():
    with CodecPool("jpeg", jobs=0) as codec:
        yield codec


@pytest.fixture
def train(folder, tmp_path):
    """A function that runs a whole tiny `train-proxy`."""

    def run(output="out", *, report=None, options=OPTIONS, **settings):
        config = Config(
            tmp_path / output,
            folder,
            **{"batch": 2, "micro_batch": 1, "size": 32, "validation": 3, "jobs": 0}
            | {"device": "cpu", "save_every": 1, "max_steps": 4}
            | settings,
        )
        return proxy.train(options, config, report or Report())

    return run


def tensors(path):
    return checkpoint.read_tensors(path.read_bytes(), str(path))[0]


def test_batches_are_coded_ahead_and_the_same_whenever_they_are_asked_for(folder, pool):
    pictures = data.split(folder, 0)

    def coded():
        crops = Crops(pictures, Config(HERE, HERE, size=32, batch=2))
        return CodedCrops(crops, pool, qps=[28, 41], seed=0)

    one = coded()
    in_order = [one.batch(step) for step in range(3)]
    again = coded().batch(2)

    assert again.qps == in_order[2].qps
    for image, other in zip(again.coded(), in_order[2].coded(), strict=True):
        assert np.array_equal(image.image.pixels, other.image.pixels)
    for image, result, qp in zip(again.images, again.coded(), again.qps, strict=True):
        (alone,) = pool.submit([image], [qp])()
        assert alone.bpp == result.bpp


class SamePictures:
    def batch(self, step):
        return [picture(64, 64, seed=seed) for seed in range(2)]


@pytest.mark.parametrize("mimics", [False, True])
def test_twenty_steps_on_two_pictures_lower_the_loss(pool, tmp_path, mimics):
    torch.manual_seed(0)
    work = bench(pool, {}, micro_batch=2)
    algorithm = ProxyAlgorithm(OPTIONS, work, Proxy(width=8, latents=12), mimics)
    batches = CodedCrops(SamePictures(), pool, qps=[34], seed=0)
    config = Config(tmp_path, tmp_path, max_steps=20, learning_rate=1e-2)
    before = algorithm.gradients(batches.batch(0), 0)["loss"]
    loop.train(algorithm, batches, config)
    after = algorithm.gradients(batches.batch(0), 0)["loss"]

    assert after < 0.7 * before


def test_both_stages_leave_their_weights_and_what_they_reached(train, tmp_path):
    _, scores = train()

    out = tmp_path / "out"
    stages = {
        "rate-distortion": out / "rate-distortion" / "proxy.safetensors",
        "mimic": out / "proxy.safetensors",
    }
    for stage, path in stages.items():
        record = checkpoint.load(path.read_bytes(), stage).made
        assert (record["stage"], record["steps"], record["qps"]) == (stage, 2, [34, 34])
    assert json.loads((out / "held_out.json").read_text()) == scores.record
    assert {"rate_correlation", "rate_error_percent"} <= scores.record.keys()
    assert "8 pictures kept apart, not 3" in scores.remarks[-1]


def test_a_resumed_training_is_the_uninterrupted_one(train, tmp_path):
    train("unbroken")
    for stop in (2, 3):  # in either stage, stage 1 with a step saved
        with pytest.raises(KeyboardInterrupt):
            train(f"parts-{stop}", report=InterruptedAt(stop))
        train(f"parts-{stop}", resume=True)

        for file in ("rate-distortion/state.safetensors", "state.safetensors"):
            one, other = (
                tensors(tmp_path / "unbroken" / file),
                tensors(tmp_path / f"parts-{stop}" / file),
            )
            assert one.keys() == other.keys()
            assert all(torch.equal(one[name], other[name]) for name in one)


def test_weights_with_stage_1_behind_them_skip_it(train, tmp_path):
    train()
    start = str(tmp_path / "out" / "rate-distortion" / "proxy.safetensors")

    train("mimic", options=replace(OPTIONS, start=start))
    assert not (tmp_path / "mimic" / "rate-distortion").exists()
    with pytest.raises(UsageError, match="has QA"):
        train("other", options=replace(OPTIONS, start=start, qa=False))
    filter_ = tmp_path / "npp.safetensors"
    filter_.write_bytes(checkpoint.dump(Npp(arch="npp-light", width=4), "npp", {}))
    with pytest.raises(UsageError, match="not a proxy"):
        train("other", options=replace(OPTIONS, start=str(filter_)))


def test_one_network_a_qp(train):
    trained, _ = train(options=replace(OPTIONS, qps=[28, 41], qa=False), max_steps=2)

    paths = [str(one.weights) for one in trained]
    assert [one.weights.parent.name for one in trained] == ["qp-28", "qp-41"]
    networks, name = proxy.load(paths)
    assert isinstance(networks, Proxies)
    assert not networks.networks[0].config["qa"]
    assert name.count("Proxy ") == 2
    with pytest.raises(UsageError, match="another proxy is for the same QPs"):
        proxy.load(paths[:1] * 2)


def test_one_network_a_qp_is_resumed_where_it_was_interrupted(train, tmp_path):
    options = replace(OPTIONS, qps=[28, 41], qa=False)
    train("unbroken", options=options, max_steps=2)
    with pytest.raises(KeyboardInterrupt):  # the second QP's first step
        train("parts", options=options, max_steps=2, report=InterruptedAt(4))
    with pytest.raises(UsageError, match="add --resume"):
        train("parts", options=options, max_steps=2)
    train("parts", options=options, max_steps=2, resume=True)

    for qp in ("qp-28", "qp-41"):
        one, other = (
            tensors(tmp_path / o / qp / "proxy.safetensors") for o in ("unbroken", "parts")
        )
        assert all(torch.equal(one[name], other[name]) for name in one)
    with pytest.raises(UsageError, match="no training to resume"):
        train("nothing", options=options, max_steps=2, resume=True)


def test_the_codec_works_in_stage_2_only(train, monkeypatch):
    sizes = []
    submit = CodecPool.submit
    monkeypatch.setattr(
        CodecPool, "submit", lambda *rest: sizes.append(len(rest[1])) or submit(*rest)
    )
    train("first", max_steps=2, validation=0)

    # One step of stage 2, and the batch ahead of it.
    assert [size for size in sizes if size] == [2, 2]


def test_a_perfect_proxy_has_no_gap(pool):
    images = [picture(48, 48, seed=seed) for seed in range(8)]

    class Perfect(torch.nn.Module):
        def forward(self, x, qp):
            coded = pool.submit(images, [int(qp[0])] * len(images))()
            pixels = np.stack([one.image.pixels for one in coded]).transpose(0, 3, 1, 2)
            return torch.from_numpy(pixels) / 255, torch.tensor([one.bpp for one in coded])

    scores = ProxyValidation(pool, images, CPU, Report(), range(28, 42))(Perfect())

    assert scores.record["bd_rate.psnr"] == pytest.approx(0, abs=0.01)
    assert scores.record["rate_correlation"] == pytest.approx(1)
    assert scores.record["rate_error_percent"] == pytest.approx(0, abs=0.01)
    assert "0.0 % [0.0, 0.0] on 8 pictures" in scores.remarks[-1]


def test_how_well_a_rate_predicts_the_bits():
    r = np.array([[1.0, 2.0, 3.0], [0.1, 0.2, 0.3]])

    assert rate_agreement(r, 2 * r)["rate_correlation"] == pytest.approx(1)
    assert rate_agreement(r, 2 * r)["rate_error_percent"] == pytest.approx(100)
    # Knowing the QP alone is no knowledge of pictures.
    assert rate_agreement(r, r.mean(1, keepdims=True).repeat(3, 1))["rate_correlation"] == 0
    assert "rate_correlation" not in rate_agreement(r[:, :2], r[:, :2])


def test_only_what_a_loss_reaches_learns():
    network = Proxy(width=8, latents=12).requires_grad_(False).requires_grad_(True)
    y_hat, r_p = network(torch.rand(1, 3, 64, 64), torch.tensor([34.0]))
    (y_hat.sum() + r_p.sum()).backward()

    learning = {name for name, p in network.named_parameters() if p.requires_grad}
    assert learning == {name for name, p in network.named_parameters() if p.grad is not None}
