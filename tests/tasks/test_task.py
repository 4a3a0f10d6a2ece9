"""The table of tasks: their metrics, and how a task is created."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from neurocodec import tasks
from neurocodec.errors import UsageError
from neurocodec.tasks import TASKS, Metric
from tests.networks.recogniser_files import CLASSIFIER, write


def test_metrics_are_read_without_torch() -> None:
    program = (
        "import json, sys; from neurocodec import tasks; names = list(tasks.metrics());"
        "print(json.dumps([names, sorted({m.partition('.')[0] for m in sys.modules})]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    names, modules = json.loads(done.stdout)
    assert {"top1", "map", "miou", "ap_keypoints", "psnr_db", "lpips"} <= set(names)
    assert not {"torch", "torchvision", "piq", "lpips"} & set(modules)


def test_a_name_means_one_metric_and_a_task_has_one_primary() -> None:
    known = tasks.metrics()
    for name in TASKS:
        declared = tasks.metrics_of(name)
        assert [known[metric.name] for metric in declared] == list(declared)
        assert [metric.compared for metric in declared if metric.primary] == [True]


def test_the_primary_metric_is_one_that_was_measured() -> None:
    def primary(task: str, *measured: str) -> str:
        metric = tasks.primary_metric(task, measured)
        return metric.name if isinstance(metric, Metric) else "none"

    assert primary("pose", "agreement", "ap_keypoints", "ap_keypoints50") == "ap_keypoints"
    assert primary("detection", "agreement") == "agreement"
    assert primary("classification", "top1", "kl") == "kl"
    assert primary("pose", "ap_keypoints50") == "none"


def test_an_option_of_another_task_is_refused(tmp_path: Path) -> None:
    model = str(write(tmp_path, CLASSIFIER))
    with pytest.raises(UsageError, match="--task fidelity does not use --model: leave it out"):
        tasks.create("fidelity", model)
    with pytest.raises(UsageError, match="--task classification does not use --lpips-weights"):
        tasks.create("classification", model, lpips_weights="alex.safetensors")
    with pytest.raises(UsageError, match="--task pose needs a recogniser: add --model"):
        tasks.create("pose")
    with pytest.raises(UsageError, match="no task is called 'sound': the known ones are"):
        tasks.create("sound")
