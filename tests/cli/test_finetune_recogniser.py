"""`neurocodec finetune-recogniser` as users run it, small."""

import json
import re

import pytest

from neurocodec import images
from neurocodec.networks import recognisers
from tests.cli.running import neurocodec
from tests.conftest import picture
from tests.networks.recogniser_files import write_sensitive
from tests.training.conftest import jpeg_in_process

SMALL = "--codec jpeg --qp 41 --size 32 --batch 4 --threads 1 --device cpu -j 0"


@pytest.fixture(scope="module", autouse=True)
def no_programs():
    with jpeg_in_process():
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_sensitive(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def options(tmp_path_factory, model):
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(12):
        (folder / f"{seed}.png").write_bytes(images.png(picture(48, 40, seed=seed)))
    return ["finetune-recogniser", "--data", folder, "--model", model, *SMALL.split()]


@pytest.fixture(scope="module")
def tuned(options, tmp_path_factory):
    """A fine-tuned classifier's file, and what the command printed."""
    output = tmp_path_factory.mktemp("tuned") / "out"
    chosen = ("--validation", 8, "--max-steps", 3)
    done = neurocodec(*options, "-o", output, *chosen)
    assert done.returncode == 0, done.stderr
    return output / "recogniser.safetensors", done.stdout.decode()


def test_it_says_what_it_saves(tuned):
    path, printed = tuned
    assert f"{path}  3 steps" in printed
    assert len(re.findall(r"QP \d+: KL [0-9.]+, fine-tuned [0-9.]+", printed)) == 5
    assert "BD-rate for kl (what fine-tuning saves)" in printed


def test_its_file_is_a_recogniser_with_its_own_description(tuned, model):
    recogniser, original = recognisers.load(str(tuned[0])), recognisers.load(str(model))

    assert (recogniser.name, recogniser.kind) == ("recogniser", "classification")
    assert recogniser.description == json.loads(model.with_suffix(".json").read_text())
    assert recogniser.preprocessing == original.preprocessing
    assert recogniser.model_sha256 != original.model_sha256
    assert not any(parameter.requires_grad for parameter in recogniser.parameters())


def test_evaluate_and_train_npp_take_it(tuned, options, tmp_path):
    data = options[options.index("--data") + 1]
    common = ("--model", tuned[0], "--codec", "jpeg")
    task = ("--task", "classification")
    done = neurocodec("evaluate", data, *task, *common, "--qp", 40, "-o", tmp_path / "r.jsonl")
    assert done.returncode == 0, done.stderr
    small = "--arch npp-light --lmbda 1 --size 32 --batch 2 --validation 2 -j 0 --max-steps 1"
    done = neurocodec("train-npp", "--data", data, *common, *small.split(), "-o", tmp_path / "npp")
    assert done.returncode == 0, done.stderr


def test_it_goes_on_where_it_stopped(options, tmp_path):
    output = tmp_path / "out"
    first = neurocodec(*options, "-o", output, "--max-steps", 1, "--validation", 2)
    again = neurocodec(*options, "-o", output, "--max-steps", 2, "--validation", 2, "--resume")

    assert (first.returncode, again.returncode) == (0, 0), again.stderr
    assert b"2 steps" in again.stdout


def test_a_name_without_a_description_is_refused(options, tmp_path):
    named = [*options]
    named[named.index("--model") + 1] = "mobilenet_v2:random"
    done = neurocodec(*named, "-o", tmp_path / "out", "--max-steps", 1)

    assert done.returncode == 2
    assert b"name a .safetensors file" in done.stderr


def test_a_damaged_description_is_refused(tuned, tmp_path):
    data = bytearray(tuned[0].read_bytes())
    at = data.index(b"global_avgpool")
    data[at : at + 14] = b"global_avgpoo_"
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(data)
    photo = tmp_path / "photo.png"
    photo.write_bytes(images.png(picture(40, 40)))
    done = neurocodec("classify", photo, "--model", path)

    assert done.returncode == 5
    assert b"damaged.safetensors" in done.stderr
