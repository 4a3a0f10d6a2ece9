"""Algorithm 1 of DIC on tiny networks, and the prediction of bits that it ends with."""

import numpy as np
import pytest
import torch

from neurocodec import codecs, images
from neurocodec.codecs import Level
from neurocodec.errors import UsageError
from neurocodec.networks import checkpoint
from neurocodec.networks.bit_predictor import BitPredictor
from neurocodec.networks.dic import BITS, Dic
from neurocodec.training import bit_statistics, data, dic, loop
from neurocodec.training.config import Config
from neurocodec.training.dic import DicAlgorithm, DicOptions
from neurocodec.training.patches import PER_PICTURE, Patches
from neurocodec.training.report import Report
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, write
from tests.training.conftest import CPU, assert_resumes, bench

PATCHES = [picture(32, 32, seed=seed) for seed in range(4)]


class SamePatches:
    """The same four in every step."""

    def batch(self, step):
        return PATCHES


@pytest.fixture
def train_step(loss):
    """A function that makes the step of a tiny codec."""

    def make(*, lmbda=0.0, micro_batch=4, iterations=2, amp=False):
        torch.manual_seed(0)
        losses = {"small": loss} if lmbda else {}
        options = DicOptions("jpeg", tuple(losses), lmbda, iterations=iterations)
        work = bench(None, losses, amp=amp, micro_batch=micro_batch)
        return DicAlgorithm(options, work, Dic(width=4, iterations=iterations))

    return make


@pytest.mark.parametrize("lmbda", [0.0, 0.01])
def test_forty_steps_on_four_patches_lower_the_loss(train_step, tmp_path, lmbda):
    algorithm = train_step(lmbda=lmbda)
    rates = {"learning_rate": 3e-3, "last_learning_rate": 3e-3}
    before = algorithm.gradients(PATCHES, 0)["loss"]

    loop.train(algorithm, SamePatches(), Config(tmp_path, tmp_path, max_steps=40, **rates))

    assert algorithm.gradients(PATCHES, 40)["loss"] < 0.9 * before


def test_the_loss_is_the_mean_error_and_lambda_times_d_m(train_step):
    assert train_step().gradients(PATCHES, 0).keys() == {"loss", "mse"}
    assert train_step(lmbda=3.0).gradients(PATCHES, 0).keys() == {"loss", "mse", "d_m.small"}
    algorithm = train_step(lmbda=3.0)
    x = torch.rand(2, 3, 32, 32)
    pictures = torch.rand(3, 2, 3, 32, 32)
    terms = algorithm._terms(x, pictures)
    errors = (pictures - x).square().mean((0, 2, 3, 4))
    assert torch.allclose(terms["loss"], errors + 3 * terms["d_m.small"])
    assert torch.allclose(terms["mse"], (pictures[-1] - x).square().mean((1, 2, 3)))


def test_a_resumed_training_is_the_uninterrupted_one(train_step, folder, tmp_path):
    def train(output, report=None, **settings):
        config = Config(output, folder, max_steps=5, size=16, batch=16, save_every=2, **settings)
        patches = Patches(data.split(folder, 2), config)
        loop.train(train_step(lmbda=0.1), patches, config, report)

    assert_resumes(train, tmp_path, "dic.safetensors")


@pytest.fixture
def trained(folder, tmp_path):
    """A function that trains for two steps and returns what `train` does."""

    def train(output="out", **options):
        options = {"codec": "jpeg", "width": 4, "iterations": 2, "statistics": 4} | options
        config = Config(
            tmp_path / output, folder, max_steps=2, size=16, batch=16, jobs=0, device="cpu"
        )
        return dic.train(DicOptions(**options), config, Report())

    return train


def test_what_is_trained_encodes_and_decodes(trained, tmp_path):
    weights = trained().weights
    codec = codecs.create(f"dic:weights={weights}")
    image = picture(50, 34)

    data = codec.encode(image, Level("iterations", 3))

    assert codec.decode(data).pixels.shape == image.pixels.shape
    kept = checkpoint.load(weights.read_bytes(), "x")
    assert kept.made["iterations"] == 2
    assert isinstance(kept.network, Dic)
    assert kept.network.predictor.bias.any()


def test_scores_say_the_psnr_of_each_iteration(trained):
    scores = trained().scores

    assert {"psnr_db.1", "psnr_db.2"} <= scores.record.keys()
    assert scores.remarks[0].startswith("PSNR by iteration: ")


def test_dic_begins_with_the_weights_of_fric(trained, tmp_path):
    start = trained("fric", reconstruction="one-shot").weights
    model = str(write(tmp_path, CLASSIFIER))
    more = {"start": str(start), "lmbda": 1e-9, "models": [model], "width": None}

    after = trained("dic", **more, iterations=3).weights

    before, now = (checkpoint.load(path.read_bytes(), "x") for path in (start, after))
    assert now.network.config == {**before.network.config, "iterations": 3}
    assert now.made["loss"] == "features:gamma=1"
    pairs = zip(before.network.encoder.parameters(), now.network.encoder.parameters(), strict=True)
    assert all(torch.allclose(one, other, atol=1e-3) for one, other in pairs)
    with pytest.raises(UsageError, match="has width 4: leave out --width"):
        trained("other", **more | {"width": 8})


@pytest.mark.parametrize("options", [{"lmbda": 0.1}, {"models": ["x"]}])
def test_lambda_and_models_belong_together(trained, options):
    with pytest.raises(UsageError, match="--lmbda and --model belong together"):
        trained(**options)


def patches_of(folder, **settings):
    config = Config(folder, folder, **{"size": 16, "batch": 4 * PER_PICTURE} | settings)
    return Patches(data.split(folder, 0), config)


def test_patches_are_pieces_of_pictures_that_do_not_overlap(folder):
    batch = patches_of(folder).batch(0)
    whole = [images.read(path.read_bytes(), "x").pixels for path in sorted(folder.glob("*.png"))]

    assert all(patch.pixels.shape == (16, 16, 3) for patch in batch)
    assert len({patch.pixels.tobytes() for patch in batch}) == len(batch)
    for patch in batch:
        for pixels in (patch.pixels, patch.pixels[:, ::-1]):
            if any(found(pixels, picture) for picture in whole):
                break
        else:
            pytest.fail("a patch is of no picture")


def found(patch, picture) -> bool:
    windows = np.lib.stride_tricks.sliding_window_view(picture[..., 0], patch.shape[:2])
    return bool((windows == patch[..., 0]).all((2, 3)).any())


def test_a_batch_of_patches_is_the_same_each_time(folder):
    one, other = (patches_of(folder).batch(3) for _ in range(2))
    assert [a.pixels.tobytes() for a in one] == [b.pixels.tobytes() for b in other]
    assert one[0].pixels.tobytes() != patches_of(folder).batch(4)[0].pixels.tobytes()


def test_a_picture_smaller_than_a_patch_is_one_patch(folder):
    assert [patch.width for patch in patches_of(folder, size=128).batch(0)] == [128] * 4


def test_the_prediction_learns_bits_that_hang_together():
    class Stripes:
        """A network whose bits are alike along rows, and in the next iteration."""

        def __init__(self):
            self.config = {"iterations": 2}
            self.predictor = BitPredictor(BITS, 2)

        def to(self, device):
            return self

        def eval(self):
            return self

        def encode(self, x, iterations):
            rows = torch.rand(1, len(x), BITS, 8, 1) < 0.5
            return rows.expand(iterations, -1, -1, -1, 8).clone()

    torch.manual_seed(0)
    stripes = Stripes()
    bit_statistics.fit(stripes, [picture(128, 128)] * 16, CPU, Report())

    above, left, right, below = stripes.predictor.weights(0).beside.mean(0)
    assert min(left, right) > 4 * max(abs(above), abs(below))
    same = stripes.predictor.weights(1).earlier.diagonal().sum((0, 1)).mean()
    assert same > 0
