"""Measure neurocodec/losses/slopes.json: the codecs' λ and mean rate by known recognisers.

    NEUROCODEC_DATA=… python tests/benchmarks/fit_slopes.py

It wants $NEUROCODEC_DATA/train-pool, detection/train2017, segmentation-pose and models, and takes
half an hour on two cores, most of it for VVC. Every λ is that of `train-npp --lmbda slope`: of 64
pictures' middles, at six QPs (neurocodec/training/lmbda.py), here of pictures squeezed into the
classifiers' squares.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

from neurocodec import losses
from neurocodec.filters.search.jury import INSTALLED
from neurocodec.losses import Recognition
from neurocodec.training import lmbda
from neurocodec.training.config import Config
from neurocodec.training.report import Report
from neurocodec.training.workbench import workbench

CODECS = ("bpg", "jpeg", "jpeg2000", "vvc", "webp", "avif", "jxl", "heic")
CLASSIFIERS = (
    "squeezenet1_0",
    "squeezenet1_1",
    "mobilenet_v2_1.0_224",
    "mobilenet_v2_0.5_224",
    "mobilenet_v1_0.5_160",
)
OTHERS = {
    "detection": ("yolox_nano_416",),
    "segmentation": ("deeplabv3_mnv2_513", "deeplabv3_mnv2_dm05_513"),
    "pose": ("ultralight_simplepose", "movenet_lightning_192"),
}
_PICTURES = {"classification": "train-pool", "segmentation": "segmentation-pose/images"}
_COCO, _SIZE, _SMALL = "detection/train2017", 384, 224
SLOPES = Path(losses.__file__).parent / "slopes.json"


def measure(
    codec: str, recognition: Recognition, data: Path, size: int, jobs: int
) -> list[dict[str, Any]]:
    """The records of one codec and some recognisers of one task."""
    config = Config(Path(), data, size=size, jobs=jobs, device="cpu", validation=0)
    with workbench(config, Report(), codec, recognition) as bench:
        measured = lmbda.measure(bench)
        return [
            {
                "codec": codec,
                "task": recognition.task,
                "recogniser": name,
                "sha256": bench.losses[name].model_sha256,
                "encoder": bench.pool.codec.encoder,
                **asdict(slope),
            }
            for name, slope in measured.items()
        ]


def files(data: Path, names: Sequence[str]) -> list[str]:
    """The recognisers' files."""
    return [str(data / "models" / f"{name}.safetensors") for name in names]


def main() -> None:
    """Measure, and write the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--codecs", default=",".join(CODECS))
    options.add_argument("--tasks", default="classification,detection,segmentation,pose")
    options.add_argument("--jobs", type=int, default=2)
    chosen = options.parse_args()
    data = Path(os.environ["NEUROCODEC_DATA"])
    recognition = {
        "classification": Recognition([*INSTALLED, *files(data, CLASSIFIERS)], fit="squeeze")
    } | {
        task: Recognition(files(data, names), task, fit="squeeze") for task, names in OTHERS.items()
    }
    records = json.loads(SLOPES.read_text())["slopes"] if SLOPES.exists() else []
    for codec, task in product(chosen.codecs.split(","), chosen.tasks.split(",")):
        records = [one for one in records if (one["codec"], one["task"]) != (codec, task)]
        pictures = data / _PICTURES.get(task, _COCO)
        size = _SMALL if task == "classification" else _SIZE
        records += measure(codec, recognition[task], pictures, size, chosen.jobs)
        described = {"measured_by": "tests/benchmarks/fit_slopes.py", "slopes": records}
        SLOPES.write_text(json.dumps(described, indent=1) + "\n")
        print(codec, task, "measured", flush=True)


if __name__ == "__main__":
    main()
