"""Curves over made pictures, by a recogniser that counts what it is asked."""

import json
from dataclasses import replace

import pytest

from neurocodec import images
from neurocodec.batch.coding import OperatingPoint
from neurocodec.codecs import Level
from neurocodec.evaluation.curves import Experiment, measure_all
from neurocodec.pipeline import Setting
from neurocodec.tasks import PictureScore
from neurocodec.tasks.datasets import Sample
from tests.conftest import picture


class Brightness:
    name, model, model_sha256 = "brightness", "counting", ""
    keeps_originals = False

    def __init__(self):
        self.asked = 0

    def predict_at(self, batch, ground_truth):
        assert len(ground_truth) == len(batch)
        return self.predict(batch)

    def predict(self, batch):
        self.asked += len(batch)
        return [float(image.pixels.mean()) for image in batch]

    def score(self, answer, clean, truth):
        return PictureScore({"near": -abs(answer - clean)}, {})

    @staticmethod
    def score_set(pictures):
        return {"near": sum(one.scores["near"] for one in pictures) / len(pictures)}


@pytest.fixture
def experiment(tmp_path):
    labelled = []
    for seed in range(3):
        path = tmp_path / f"{seed}.png"
        path.write_bytes(images.png(picture(48, 40, seed=seed)))
        labelled.append(Sample(path, path.name, None))
    return Experiment("made", labelled, Brightness(), tmp_path / "cache", jobs=0)


def test_a_schedule_measures_its_filters_and_its_own_name_stands_in_results(experiment, tmp_path):
    schedule = tmp_path / "best.json"
    schedule.write_text(json.dumps({"filters": {"34": "none", "41": "blur:sigma=1"}}))
    pres = ("none", f"schedule:file={schedule}")
    grid = [
        OperatingPoint(Setting("jpeg", pre), Level("qp", qp)) for pre in pres for qp in (34, 41)
    ]
    coded = []

    measured = list(experiment.measure(grid, lambda: coded.append(1)))

    assert experiment.task.asked == 3 * (1 + 4)
    assert len(coded) == 3 * len(grid)
    (plain, _), (rough, _), (same, pictures), (blurred, _) = measured
    assert [point.setup.pre for point, _ in measured] == [pres[0]] * 2 + [pres[1]] * 2
    assert (plain.bpp, plain.scores) == (same.bpp, same.scores)
    assert {one.setup for one in pictures} == {same.setup}
    assert blurred.bpp < rough.bpp
    assert len(list(experiment.cache.rglob("*.jpg"))) == 3 * 3


def test_originals_are_read_batch_by_batch_for_a_task_by_likeness(experiment, monkeypatch):
    monkeypatch.setattr("neurocodec.evaluation.curves.BATCH", 2)
    experiment.task.keeps_originals = True
    seen = []

    def score(prediction, clean, truth):
        seen.append(clean)
        return PictureScore({"near": 0.0}, {})

    monkeypatch.setattr(experiment.task, "score", score)

    list(experiment.measure([OperatingPoint(Setting("jpeg"), Level("qp", 34))]))

    assert [image.width for image in seen] == [48] * 3
    assert "clean_predictions" not in vars(experiment)


def test_a_network_is_loaded_once_for_a_curve(monkeypatch, experiment):
    from neurocodec import filters, pipeline

    created = []
    create = filters.create
    pipeline.prepared.cache_clear()
    monkeypatch.setattr(filters, "create", lambda *args: created.append(args) or create(*args))

    setting = Setting("jpeg", "blur:sigma=0.7")
    list(experiment.measure([OperatingPoint(setting, Level("qp", qp)) for qp in (31, 34, 37)]))

    assert len(created) == 1


def test_several_recognisers_share_the_coding(experiment):
    other = replace(experiment, task=Brightness())
    other.task.model = "another"
    grid = [OperatingPoint(Setting("jpeg"), Level("qp", qp)) for qp in (31, 41)]
    done, coded = {other.key(grid[0])}, []

    together = list(
        measure_all([experiment, other], grid, done=done, advance=lambda: coded.append(1))
    )

    alone = [one for e in (experiment, other) for one in e.measure(grid)]
    assert len(coded) == 3 * len(grid)
    assert [(p.setup.model, p.level.value) for p, _ in together] == [
        ("counting", 31),
        ("counting", 41),
        ("another", 41),
    ]
    assert sorted(map(repr, together)) == sorted(
        repr(one) for one in alone if one[0].key not in done
    )
