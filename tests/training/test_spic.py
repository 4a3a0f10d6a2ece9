"""The training of SPIC on tiny networks, and its beginning as a cut recogniser."""

import pytest
import torch

from neurocodec import codecs, images
from neurocodec.codecs import Level
from neurocodec.errors import BadInputError, UsageError
from neurocodec.networks import checkpoint
from neurocodec.networks.recognisers import load
from neurocodec.networks.recognisers.graph import Graph
from neurocodec.networks.spic import Seen, Spic
from neurocodec.networks.tensors import to_tensor
from neurocodec.training import data, loop, spic, splitting
from neurocodec.training.config import Config
from neurocodec.training.crops import Example
from neurocodec.training.data import Crops
from neurocodec.training.report import Report
from neurocodec.training.spic import SpicAlgorithm, SpicOptions
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, weights, write
from tests.networks.test_spic import DESCRIBED, OPS
from tests.training.conftest import InterruptedAt, assert_resumes, bench

PICTURES = [Example(picture(32, 32, seed=seed).pixels, ground_truth=seed % 2) for seed in range(4)]


class SamePictures:
    """The same four in every step."""

    def batch(self, step):
        return PICTURES


@pytest.fixture
def train_step(loss):
    """A function that makes the step of a tiny codec."""

    def make(*, micro_batch=4, amp=False, **options):
        torch.manual_seed(0)
        losses = {} if options.get("labels") else {"small": loss}
        work = bench(None, losses, amp=amp, micro_batch=micro_batch)
        network = Spic(latents=6, width=4, classes=10)
        return SpicAlgorithm(SpicOptions(tuple(losses), **options), work, network)

    return make


@pytest.mark.parametrize("options", [{}, {"labels": True}])
def test_forty_steps_on_four_pictures_lower_the_loss(train_step, tmp_path, options):
    algorithm = train_step(**options)
    rates = {"learning_rate": 3e-3, "last_learning_rate": 3e-3}
    before = algorithm.gradients(PICTURES, 0)["loss"]

    loop.train(algorithm, SamePictures(), Config(tmp_path, tmp_path, max_steps=40, **rates))

    assert algorithm.gradients(PICTURES, 40)["loss"] < 0.9 * before


def test_the_loss_is_error_rate_and_recognition(train_step, loss):
    algorithm = train_step(alpha=0.5, beta=0.25)
    x, pictures = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    bits, logits = torch.tensor([100.0, 2000.0]), torch.rand(2, 10)

    terms = algorithm._terms(
        x, Seen(bits, logits, pictures), torch.tensor([16.0, 48.0]), [None, None]
    )

    error = (pictures - x).square().mean((1, 2, 3))
    apart = torch.nn.functional.kl_div(
        logits.log_softmax(1), loss.target(x, []).log_softmax(1), reduction="none", log_target=True
    ).sum(1)
    beta = torch.tensor([0.25, 0.25 * 9])  # three times the quality, a ninth of the squared step
    assert torch.allclose(terms["bpp"], bits / 1024)
    assert torch.allclose(terms["recognition"], apart)
    assert torch.allclose(terms["loss"], error + 0.5 * bits / 1024 + beta * apart)


def test_labels_are_learnt_by_cross_entropy(train_step):
    algorithm, logits = train_step(labels=True), torch.rand(2, 10)
    terms = algorithm._terms(
        torch.rand(2, 3, 32, 32),
        Seen(torch.ones(2), logits, torch.rand(2, 3, 32, 32)),
        torch.full((2,), 16.0),
        [3, 9],
    )
    assert torch.allclose(terms["recognition"], -logits.log_softmax(1)[[0, 1], [3, 9]])


def test_quality_factors_are_drawn_for_every_picture(train_step, monkeypatch):
    algorithm, seen = train_step(), []
    forward = algorithm.network.forward
    monkeypatch.setattr(
        algorithm.network, "forward", lambda x, qf: (seen.extend(qf.tolist()), forward(x, qf))[1]
    )
    for step in range(6):
        algorithm.gradients(PICTURES, step)
    assert set(seen) <= {8, 12, 16, 24, 32, 48, 64, 96, 128}
    assert len(set(seen)) > 3


def test_a_resumed_training_is_the_uninterrupted_one(train_step, folder, tmp_path):
    def train(output, report=None, **settings):
        config = Config(output, folder, max_steps=5, size=32, batch=4, save_every=2, **settings)
        loop.train(train_step(), Crops(data.split(folder, 2), config), config, report)

    assert_resumes(train, tmp_path, "spic.safetensors")


@pytest.fixture
def trained(folder, tmp_path):
    """A function that trains for two steps and returns what `train` does."""

    def train(output="out", size=32, **options):
        config = Config(
            tmp_path / output,
            folder,
            max_steps=2,
            size=size,
            batch=4,
            jobs=0,
            device="cpu",
            validation=3,
        )
        return spic.train(SpicOptions(**({"latents": 6, "width": 4} | options)), config, Report())

    return train


def test_what_is_trained_encodes_decodes_and_classifies(trained, tmp_path):
    recogniser = write(tmp_path, CLASSIFIER)
    done = trained(models=(str(recogniser),), classes=10)
    codec = codecs.create(f"spic:weights={done.weights}")
    image = picture(50, 34)

    coded = codec.encode(image, Level("qf", 48))

    assert codec.decode(coded).pixels.shape == image.pixels.shape
    assert codec.classify(coded).shape == (10,)
    assert {"bpp.16", "psnr_db.48", "agreement.128"} <= done.scores.record.keys()
    kept = checkpoint.load(done.weights.read_bytes(), "x")
    assert kept.made["alpha"] == 0.3
    table = kept.network.density.table.clone()
    assert not torch.equal(table, Spic(6, 4, 10).density.table)
    kept.network.density.write_counts()
    assert torch.equal(table, kept.network.density.table)


@pytest.fixture
def recogniser(tmp_path):
    return str(write(tmp_path, DESCRIBED, weights(OPS)))


def test_a_cut_recogniser_begins_as_itself(recogniser):
    """With a bottleneck as wide as the features only rounding is between."""
    begun = [picture(32, 32, seed=seed) for seed in range(6)]
    network = splitting.split(recogniser, "d", {"latents": 8, "width": 4}, begun).eval()
    x = to_tensor([picture(32, 32, seed=9)])

    logits = network.classify(network.encode(x, 128), 128)

    expected = load(recogniser)(x)
    assert float((logits - expected).abs().max()) < 0.25 * float(expected.std())
    spread = network.analysis(to_tensor(begun)).detach().std((0, 2, 3))
    assert float(spread.max()) == pytest.approx(12, rel=0.05)


def test_more_latents_than_features_are_0(recogniser):
    begun = [picture(32, 32, seed=seed) for seed in range(2)]
    network = splitting.split(recogniser, "d", {"latents": 11, "width": 4}, begun)
    assert not network.encode(to_tensor(begun), 128)[:, 8:].any()


def test_the_principal_latents_come_first(recogniser):
    begun = [picture(32, 32, seed=seed) for seed in range(4)]
    network = splitting.split(recogniser, "d", {"latents": 4, "width": 4}, begun)
    latents = network.analysis(to_tensor(begun)).detach().movedim(1, -1).flatten(0, 2)
    spread = latents.std(0)
    assert bool((spread[:-1] >= spread[1:]).all())
    correlation = torch.corrcoef(latents.T)
    assert float((correlation - torch.eye(4)).abs().max()) < 0.05


def test_lengths_are_half_the_fisher_information_of_the_classes():
    """Of classes that are linear in the means, for which it is Wᵀ·(diag p − p·pᵀ)·W."""
    torch.manual_seed(0)
    kernel = torch.tensor([[2.0, 0, 0], [-1, 1, 0], [0, -2, 0], [0, 0.5, 0]])
    sizes = {"in_channels": 3, "out_channels": 4, "kernel": 1, "stride": 1, "groups": 1}
    ops = [
        {"op": "global_avgpool", "name": "means", "input": "input"},
        {"op": "conv", "name": "classes", "input": "means", "pad": [0] * 4, "act": "none", **sizes},
    ]
    tensors = {"classes.weight": kernel[..., None, None], "classes.bias": torch.zeros(4)}
    back = Graph(ops, tensors, ["classes"])
    maps = [torch.zeros(500, 3, 2, 2) for _ in range(8)]

    metric = splitting._metric(back, maps)

    p = torch.full((4,), 0.25)
    information = (kernel.T @ (p.diag() - p.outer(p)) @ kernel).double()
    expected = (information * 3 / information.trace() + torch.eye(3)) / 2
    assert torch.allclose(metric, expected, atol=0.05)
    assert metric[2, 2] == 0.5  # what no class reads counts for pixels alone


def test_a_split_is_its_own_teacher_and_goes_on(trained, recogniser):
    first = trained(split=f"{recogniser}:d")
    made = checkpoint.load(first.weights.read_bytes(), "x").made
    assert made["split"] == f"{recogniser}:d"
    assert made["recognisers"] == ["tiny.net"]

    second = trained("more", models=(recogniser,), start=str(first.weights), latents=None)

    assert checkpoint.load(second.weights.read_bytes(), "x").network.config["latents"] == 6


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("fine_tune", [False, True])
def test_the_halves_of_a_recogniser_learn_only_when_fine_tuned(
    trained, recogniser, fine_tune, again
):
    pictures = [picture(32, 32, seed=1)]
    begun = splitting.split(recogniser, "d", {"latents": 6, "width": 4}, pictures).state_dict()
    done = trained(split=f"{recogniser}:d", fine_tune=fine_tune and not again)
    if again:
        more = {"models": (recogniser,), "start": str(done.weights), "latents": None}
        done = trained("more", fine_tune=fine_tune, **more)

    learnt = checkpoint.load(done.weights.read_bytes(), "x").network.state_dict()

    halves = [name for name in learnt if ".graph." in name]
    assert len(halves) > 4
    same = [torch.equal(learnt[name], begun[name]) for name in halves]
    assert not any(same) if fine_tune else all(same)
    assert not torch.equal(
        learnt["analysis.bottleneck.weight"], begun["analysis.bottleneck.weight"]
    )


def test_from_with_split_begins_with_the_recognisers_halves_again(trained, recogniser):
    learnt = trained(split=f"{recogniser}:d", fine_tune=True)
    renewed = trained("more", split=f"{recogniser}:d", start=str(learnt.weights), latents=None)
    before, after = (
        checkpoint.load(one.weights.read_bytes(), "x").network.state_dict()
        for one in (learnt, renewed)
    )
    begun = splitting.split(recogniser, "d", {"latents": 6}, [picture(32, 32)]).state_dict()
    halves = [name for name in before if ".graph." in name]
    assert all(torch.equal(after[name], begun[name]) for name in halves)
    assert not any(torch.equal(before[name], begun[name]) for name in halves)
    kept = "synthesis.enter.weight"
    assert 0 < float((after[kept] - before[kept]).abs().max()) < 1e-3

    with pytest.raises(UsageError, match=r"not of .* cut after c"):
        trained("other", split=f"{recogniser}:c", start=str(learnt.weights), latents=None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing to recognise"),
        ({"split": "efficientnet_lite0"}, "MODEL:LAYER"),
        ({"split": "MODEL:nowhere"}, "no layer 'nowhere'"),
        ({"split": "MODEL:c"}, "goes around"),
        ({"split": "MODEL:d", "classes": 7}, "--classes"),
        ({"labels": True, "split": "MODEL:d"}, "needs labels.csv"),
        ({"labels": True, "models": ("x",)}, "--labels and --model"),
    ],
)
def test_options_that_do_not_go_together(trained, recogniser, options, message):
    named = {k: v.replace("MODEL", recogniser) if k == "split" else v for k, v in options.items()}
    with pytest.raises(UsageError, match=message):
        trained(**named)


def test_classes_must_be_those_of_the_recogniser(trained, recogniser):
    with pytest.raises(UsageError, match=r"tiny\.net has 10 classes, the codec 7"):
        trained(models=(recogniser,), classes=7)


def test_weights_of_a_stopped_training_have_their_counts(train_step, folder, tmp_path):
    config = Config(tmp_path, folder, max_steps=5, size=32, batch=4, save_every=1)
    with pytest.raises(KeyboardInterrupt):
        loop.train(train_step(), Crops(data.split(folder, 2), config), config, InterruptedAt(3))
    kept = checkpoint.load((tmp_path / "spic.safetensors").read_bytes(), "x").network
    assert not torch.equal(kept.density.table, Spic(6, 4, 10).density.table)


def test_crops_of_any_size_are_trained_on(trained, recogniser):
    assert trained(models=(recogniser,), classes=10, size=44).weights.exists()


def test_pictures_that_cannot_be_read_are_no_start(recogniser):
    with pytest.raises(BadInputError, match="none of the training pictures"):
        splitting.split(recogniser, "d", {"latents": 8, "width": 4}, [])


def test_weights_of_another_size_are_not_continued(trained, recogniser):
    first = trained(models=(recogniser,), classes=10)
    with pytest.raises(UsageError, match="has latents 6: leave out --latents"):
        trained("more", models=(recogniser,), start=str(first.weights), latents=7)


@pytest.fixture
def labelled(tmp_path):
    """A function that trains for a step by the labels 0, 1 and 2."""

    def train(**options):
        (tmp_path / "data").mkdir()
        for seed in range(6):
            image = images.png(picture(40, 40, seed=seed))
            (tmp_path / "data" / f"{seed}.png").write_bytes(image)
        rows = "".join(f"{seed}.png,{seed % 3}\n" for seed in range(6))
        (tmp_path / "data" / "labels.csv").write_text("file,class_index\n" + rows)
        settings = {"max_steps": 1, "size": 32, "batch": 4, "validation": 2}
        config = Config(tmp_path / "out", tmp_path / "data", jobs=0, device="cpu", **settings)
        return spic.train(SpicOptions(labels=True, latents=6, width=4, **options), config, Report())

    return train


def test_labels_are_read_from_the_data(labelled):
    kept = checkpoint.load(labelled().weights.read_bytes(), "x")
    assert kept.made["loss"] == "labels"
    assert kept.network.config["classes"] == 3


def test_a_label_beyond_the_classes_is_refused_before_training(labelled):
    with pytest.raises(UsageError, match="class 2 is a label, but the codec has 2 classes"):
        labelled(classes=2)
