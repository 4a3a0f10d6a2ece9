"""What classification answers, and how the answers are scored."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax

from neurocodec import images
from neurocodec.errors import BadInputError, UsageError
from neurocodec.images import Image
from neurocodec.tasks import PictureScore, create, datasets
from neurocodec.tasks.classification import Classification
from neurocodec.tasks.datasets.folders import imagenet_wnids
from tests.conftest import picture
from tests.networks.recogniser_files import CLASSIFIER, conv, write


@pytest.fixture
def task(tmp_path: Path) -> Classification:
    return Classification(str(write(tmp_path, CLASSIFIER)))


def logits(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_pictures_of_any_sizes_are_answered_in_order(task: Classification) -> None:
    pictures = [picture(20 + i % 5, 17 + i % 3, seed=i) for i in range(19)]
    together = task.predict(pictures)
    assert [answer.shape for answer in together] == [(10,)] * 19
    assert all(answer.dtype == np.float32 for answer in together)
    for answer, each in zip(together, pictures, strict=True):
        assert np.allclose(answer, task.predict([each])[0], atol=1e-5)
    assert all(map(np.array_equal, together, task.predict(pictures)))
    assert task.predict([]) == []


def test_it_says_which_model_it_is(tmp_path: Path) -> None:
    path = write(tmp_path, CLASSIFIER)
    task = create("classification", str(path), "auto")
    assert task.model == "tiny.net"
    assert len(task.model_sha256) == 64


def test_a_clean_answer_agrees_with_itself(task: Classification) -> None:
    (answer,) = task.predict([picture(32, 32)])
    assert task.score(answer, answer, None).scores == {"agreement": 1.0, "kl": 0.0}


def test_kl_is_minus_the_divergence_from_clean_to_decoded(task: Classification) -> None:
    rng = np.random.default_rng(0)
    clean, decoded = rng.normal(0, 4, (2, 10)).astype(np.float32)
    p, q = (softmax(x.astype(np.float64)) for x in (clean, decoded))
    scores = task.score(decoded, clean, None).scores
    assert scores["kl"] == pytest.approx(-rel_entr(p, q).sum(), abs=1e-12)
    assert scores["kl"] != pytest.approx(task.score(clean, decoded, None).scores["kl"])


def test_kl_of_extreme_logits_is_finite(task: Classification) -> None:
    kl = task.score(logits(-3e4, 3e4), logits(3e4, -3e4), None).scores["kl"]
    assert kl == pytest.approx(-6e4)


@pytest.mark.parametrize(
    ("truth", "top1", "top5"), [(3, 1.0, 1.0), (0, 0.0, 1.0), (5, 0.0, 0.0), (6, 0.0, 0.0)]
)
def test_top1_and_top5(task: Classification, truth: int, top1: float, top5: float) -> None:
    answer = logits(5, 4, 3, 9, 2, 1, 0)
    scores = task.score(answer, logits(9, 4, 3, 5, 2, 1, 0), truth).scores
    assert (scores["top1"], scores["top5"], scores["agreement"]) == (top1, top5, 0.0)


@pytest.mark.parametrize("truth", [-1, 3])
def test_a_class_that_the_model_has_not(task: Classification, truth: int) -> None:
    with pytest.raises(BadInputError, match=r"tiny\.net has classes 0…2"):
        task.score(logits(1, 2, 3), logits(1, 2, 3), truth)


def test_a_set_scores_the_mean_of_what_all_pictures_have(task: Classification) -> None:
    labelled = PictureScore({"agreement": 1.0, "kl": -1.0, "top1": 1.0})
    unlabelled = PictureScore({"agreement": 0.0, "kl": -2.0})
    assert task.score_set([labelled, labelled, unlabelled, unlabelled]) == {
        "agreement": 0.5,
        "kl": -1.5,
    }
    assert task.score_set([labelled, labelled])["top1"] == 1.0
    assert task.score_set([]) == {}


def test_a_network_for_another_task_is_refused() -> None:
    with pytest.raises(UsageError, match="segmentation"):
        Classification("lraspp_mobilenet_v3_large:random")


def colour_classifier(folder: Path, outputs: int, classes: Sequence[int]) -> Classification:
    """A recogniser with the output `classes[c]` for images of the colour channel c."""
    weight, bias = torch.zeros(outputs, 3, 1, 1), torch.full((outputs,), -100.0)
    for channel, index in enumerate(classes):
        weight[index, channel], bias[index] = 1, 0
    logits = conv("logits", "pool", (3, outputs), kernel=1, pad=[0, 0, 0, 0])
    description = {
        "input": {"size": 16, "mul": 0.05},
        "output": "logits",
        "ops": [{"op": "global_avgpool", "name": "pool", "input": "input"}, logits],
    }
    tensors = {"logits.weight": weight, "logits.bias": bias}
    return Classification(str(write(folder, description, tensors)))


def put_class_folders(folder: Path, *names: str) -> None:
    """One folder a name, with one image: red, green, blue, in this order."""
    for channel, name in enumerate(names):
        pixels = np.random.default_rng(channel).integers(0, 60, (20, 24, 3)).astype(np.uint8)
        pixels[..., channel] += 150
        (folder / name).mkdir(parents=True)
        (folder / name / "1.png").write_bytes(images.png(Image(pixels)))


def scores_of(task: Classification, folder: Path) -> tuple[dict[str, float], datasets.DataSet]:
    data = task.align(datasets.read(folder, "classification"))
    read = [images.read(p.path.read_bytes(), p.name) for p in data.pictures]
    pairs = zip(task.predict(read), data.pictures, strict=True)
    return task.score_set([task.score(x, x, p.ground_truth) for x, p in pairs]), data


@pytest.mark.parametrize(
    ("outputs", "classes", "names", "warning"),
    [
        (3, [0, 1, 2], ["a_red", "b_green", "c_blue"], ""),
        (6, [0, 1, 2], ["a_red", "b_green", "c_blue"], "the first of the 6 classes of tiny"),
        (3, [0, 1, 2], ["n01440764", "n01443537", "n15075141"], ""),
        (1000, [0, 1, 999], ["n01440764", "n01443537", "n15075141"], ""),
    ],
)
def test_class_folders_are_the_classes_of_the_recogniser(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    outputs: int,
    classes: list[int],
    names: list[str],
    warning: str,
) -> None:
    put_class_folders(tmp_path / "data", *names)
    (tmp_path / "data/.ipynb_checkpoints").mkdir()
    task = colour_classifier(tmp_path, outputs, classes)
    scores, data = scores_of(task, tmp_path / "data")
    assert scores["top1"] == 1
    assert data.class_names == dict(zip(classes, names, strict=True))
    assert warning in caplog.text and bool(warning) == bool(caplog.text)


@pytest.mark.parametrize(
    ("outputs", "names"),
    [
        (2, ["a_red", "b_green", "c_blue"]),
        (1000, ["a_red", "b_green", "c_blue"]),
        (1000, ["n01440764", "n01443537", "n99999999"]),
        (1001, ["n01440764", "n01443537", "n15075141"]),
    ],
)
def test_class_folders_that_cannot_be_mapped_are_scored_by_agreement_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, outputs: int, names: list[str]
) -> None:
    put_class_folders(tmp_path / "data", *names)
    task = colour_classifier(tmp_path, outputs, [0, 1])
    scores, _ = scores_of(task, tmp_path / "data")
    assert scores == {"agreement": 1, "kl": 0}
    assert "scored by agreement only" in caplog.text


def test_labels_csv_numbers_the_classes_itself(tmp_path: Path) -> None:
    put_class_folders(tmp_path / "data", "x", "y")
    (tmp_path / "data/labels.csv").write_text("file,class_index\nx/1.png,5\ny/1.png,2\n")
    assert scores_of(colour_classifier(tmp_path, 6, [5, 2]), tmp_path / "data")[0]["top1"] == 1


def test_imagenet_s_wnids_are_those_of_the_data(data_folder) -> None:
    wnids = imagenet_wnids()
    assert len(wnids) == 1000 and list(wnids) == sorted(wnids)
    with (data_folder("imagenet-val") / "labels.csv").open() as lines:
        assert all(wnids[row["wnid"]] == int(row["class_index"]) for row in csv.DictReader(lines))


# On all 500 pictures these models were measured elsewhere at 61.6/82.6, 87.8/97.2, 82.2/95.2 and
# 66.2/88.6 % (top 1/top 5). The quick one is held to that; the slow ones, which this code gives the
# same numbers when run on all, to their share of a sample.
@pytest.mark.parametrize(
    ("model", "step", "top1", "top5"),
    [
        ("squeezenet1_0", 50, 8, 10),
        pytest.param("mobilenet_v2_1.0_224", 20, 23, 24, marks=pytest.mark.slow),
        pytest.param("mobilenet_v1_0.75_224", 20, 18, 24, marks=pytest.mark.slow),
        pytest.param("mcunet_144", 1, 331, 443, marks=pytest.mark.slow),
    ],
)
def test_real_models_on_real_pictures(
    data_folder, model: str, step: int, top1: int, top5: int
) -> None:
    folder = data_folder("imagenet-val")
    with (folder / "labels.csv").open() as lines:
        rows = list(csv.DictReader(lines))[::step]
    pictures = [images.read((folder / row["file"]).read_bytes(), row["file"]) for row in rows]
    task = Classification(str(data_folder("models") / f"{model}.safetensors"))
    truths = [int(row["class_index"]) for row in rows]
    answers = task.predict(pictures)
    scores = task.score_set([task.score(a, a, t) for a, t in zip(answers, truths, strict=True)])
    assert [round(scores[name] * len(rows)) for name in ("top1", "top5")] == [top1, top5]
