import shutil
from pathlib import Path

import numpy as np
import pytest

from neurocodec import images
from neurocodec.errors import BadInputError
from neurocodec.images import Image
from neurocodec.training import data
from neurocodec.training.config import Config
from neurocodec.training.crops import centre_crop, ground_truth_of, random_crop
from neurocodec.training.data import Crops, Split
from tests.conftest import picture
from tests.training.conftest import HERE, Collecting


def crops_of(pictures, report=None, **settings):
    return Crops(pictures, Config(HERE, HERE, **settings), report)


def test_the_same_pictures_validate_wherever_the_folder_is(folder, tmp_path):
    moved = tmp_path / "elsewhere"
    moved.symlink_to(folder)

    here, elsewhere = data.split(folder, 3), data.split(moved, 3)

    assert [path.name for path in here.validation] == [path.name for path in elsewhere.validation]
    assert len(here.training) == 5
    assert not set(here.training) & set(here.validation)


def test_a_folder_needs_more_pictures_than_validate(folder, tmp_path):
    with pytest.raises(BadInputError, match="has 8 pictures"):
        data.split(folder, 8)
    with pytest.raises(BadInputError, match="has 0 pictures"):
        data.split(tmp_path / "nowhere", 0)


def test_of_few_pictures_a_quarter_validates(folder):
    split = data.split(folder, None)

    assert (len(split.validation), len(split.training)) == (2, 6)


def pixels(batch):
    return [crop.pixels.tobytes() for crop in batch]


def test_a_batch_is_the_same_whenever_it_is_asked_for(folder):
    pictures = data.split(folder, 0)
    one, other = (crops_of(pictures, size=32, batch=3, seed=5) for _ in range(2))

    in_order = [pixels(one.batch(step)) for step in range(4)]

    assert [pixels(other.batch(step)) for step in (3, 1, 0, 2)] == [
        in_order[i] for i in (3, 1, 0, 2)
    ]
    assert in_order[0] != in_order[1]
    assert pixels(crops_of(pictures, size=32, batch=3, seed=6).batch(0)) != in_order[0]


def test_an_epoch_goes_through_every_picture_once(tmp_path):
    for level in range(6):
        flat = Image(np.full((32, 32, 3), 40 * level, np.uint8))
        (tmp_path / f"{level}.png").write_bytes(images.png(flat))
    crops = crops_of(data.split(tmp_path, 0), size=32, batch=2)

    epochs = [
        [crop.pixels[0, 0, 0] // 40 for step in steps for crop in crops.batch(step)]
        for steps in (range(3), range(3, 6))
    ]

    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(6))
    assert epochs[0] != epochs[1]


def test_blurred_crops_are_less_sharp_each_by_its_own_sigma(folder):
    pictures = data.split(folder, 2)
    sharp, soft = (crops_of(pictures, size=32, blur_augmentation=most).batch(0) for most in (0, 2))

    ratios = [roughness(b) / roughness(a) for a, b in zip(sharp, soft, strict=True)]
    assert max(ratios) <= 1.01
    assert min(ratios) < 0.6
    assert len(set(ratios)) > 5
    again = crops_of(pictures, size=32, blur_augmentation=2).batch(0)
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(soft, again, strict=True))


def roughness(image):
    return np.abs(np.diff(image.pixels.astype(float), axis=0)).mean()


def test_a_picture_that_cannot_be_read_is_left_out_and_named(folder, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"hello")
    pictures = Split((*data.split(folder, 0).training, tmp_path / "bad.png"))
    report = Collecting()
    crops = crops_of(pictures, report, size=32, batch=9)

    assert [len(crops.batch(step)) for step in range(3)] == [9, 9, 9]
    assert len(pictures.centres(pictures.training, 32, report)) == 8
    assert len(report.notes) == 1
    assert "left out" in report.notes[0]
    assert "bad.png" in report.notes[0]


def test_of_pictures_none_of_which_can_be_read_nothing_can_be_learnt(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"hello")

    with pytest.raises(BadInputError, match="none of the training pictures"):
        crops_of(data.split(tmp_path, 0), size=32, batch=1).batch(0)


def test_the_order_is_drawn_once_an_epoch(folder, monkeypatch):
    drawn = []
    generator = np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda key: drawn.append(key) or generator(key))
    crops = crops_of(data.split(folder, 0), size=32, batch=8, seed=12345)
    crops.read(range(8))

    assert drawn.count([12345, 0, 0]) == 1


@pytest.mark.parametrize("side", [(50, 40), (20, 30), (32, 32)])
def test_crops_are_squares_of_the_size_asked_for(side):
    image = picture(*side)
    rng = np.random.default_rng(0)

    assert {random_crop(image, 32, rng).example(image).pixels.shape for _ in range(20)} == {
        (32, 32, 3)
    }
    assert centre_crop(image, 32).example(image).pixels.shape == (32, 32, 3)


def test_a_crop_of_its_own_size_is_cut_or_mirrored_and_not_resampled():
    image = picture(32, 32)
    rng = np.random.default_rng(0)
    crops = {random_crop(image, 32, rng).example(image).pixels.tobytes() for _ in range(20)}

    assert crops == {image.pixels.tobytes(), image.pixels[:, ::-1].tobytes()}


@pytest.fixture
def labelled(tmp_path):
    """A folder of five pictures, four of which are in its labels.csv."""
    for seed in range(5):
        (tmp_path / f"{seed}.png").write_bytes(images.png(picture(40, 40, seed=seed)))
    rows = "".join(f"{seed}.png,{seed + 10}\n" for seed in range(4))
    (tmp_path / "labels.csv").write_text(f"file,class_index\n{rows}")
    return tmp_path


def test_labels_go_with_their_pictures(labelled):
    pictures = data.split(labelled, 1, "classification")
    crops = crops_of(pictures, size=40, batch=3)

    shown = {ground_truth_of([crop])[0]: crop.pixels for crop in crops.batch(0)}

    assert len(shown) == 3
    for label, pixels in shown.items():
        full = picture(40, 40, seed=label - 10).pixels
        assert (pixels == full).all() or (pixels == full[:, ::-1]).all()


def test_what_has_no_label_is_left_out(labelled):
    assert len(data.split(labelled, 0).training) == 5
    assert len(data.split(labelled, 0, "classification").training) == 4
    with pytest.raises(BadInputError, match="has 4 pictures"):
        data.split(labelled, 4, "classification")


def test_labels_do_not_change_which_pictures_validate(labelled):
    (labelled / "4.png").unlink()
    plain, with_labels = data.split(labelled, 2), data.split(labelled, 2, "classification")

    assert plain.validation == with_labels.validation


@pytest.mark.parametrize("task", ["classification", "detection"])
def test_a_folder_without_labels_says_what_it_needs(folder, task):
    with pytest.raises(BadInputError, match=f"has no labels for {task}: it needs"):
        data.split(folder, 2, task)


def test_a_picture_without_a_label_has_no_ground_truth():
    assert ground_truth_of([picture(32, 32)]) == [None]


@pytest.mark.slow
def test_processes_read_the_same_pictures_as_a_thread(folder, tmp_path):
    copied = Path(shutil.copytree(folder, tmp_path / "pictures"))
    (copied / "broken.png").write_bytes(b"no picture")
    pictures = data.split(copied, 0)
    reports = Collecting(), Collecting()
    crops = [
        Crops(pictures, Config(HERE, HERE, size=32, batch=3, seed=5), report, readers)
        for report, readers in zip(reports, (0, 2), strict=True)
    ]

    here, apart = ([pixels(one.batch(step)) for step in (0, 1, 2, 7)] for one in crops)

    assert here == apart
    assert [*reports[0].take_notes()] == [*reports[1].take_notes()] != []
