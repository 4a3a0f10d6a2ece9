"""`evaluate` over BPG and one classifier against the codec work alone.

    .venv/bin/python tests/benchmarks/evaluate_speed.py PICTURES MODEL [--limit 100] [--jobs 2]

The peer does the same encodings and decodings in the same processes and nothing else; the ratio
is what reading answers, scoring and writing results cost beside them.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from neurocodec import images
from neurocodec.batch import coding
from neurocodec.batch.coding import Coding, OperatingPoint
from neurocodec.batch.engines.local import Local
from neurocodec.codecs import Level
from neurocodec.pipeline import Setting

QPS = (28, 31, 34, 37, 41)


def codec_alone(pictures: list[Path], jobs: int) -> float:
    """Seconds that the encodings and decodings take by themselves, the pool's start included."""
    tasks = [
        Coding(str(path), OperatingPoint(Setting("bpg"), Level("qp", qp)), None)
        for qp in QPS
        for path in pictures
    ]
    start = time.perf_counter()
    with Local(jobs) as engine:
        for outcome in engine.map(coding.code, tasks):
            if outcome.error is not None:
                raise outcome.error
    return time.perf_counter() - start


def evaluated(folder: Path, model: Path, limit: int, jobs: int) -> float:
    """Seconds of the whole command, the loading of torch and the model included."""
    command = [sys.executable, "-m", "neurocodec", "evaluate", str(folder), "-q", "--no-cache"]
    options = ["--task", "classification", "--model", str(model), "--limit", str(limit)]
    with tempfile.TemporaryDirectory() as scratch:
        start = time.perf_counter()
        results = ["-o", f"{scratch}/r.jsonl", "--per-image", "-j", str(jobs)]
        subprocess.run([*command, *options, *results], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.option("--limit", default=500, show_default=True)
@click.option("--jobs", default=2, show_default=True)
@click.option("--rounds", default=1, show_default=True)
def main(folder: Path, model: Path, limit: int, jobs: int, rounds: int) -> None:
    """Compare on the first pictures of FOLDER with the recogniser MODEL."""
    pictures = sorted(path for path in folder.iterdir() if images.has_picture_name(path))[:limit]
    pairs = [
        (evaluated(folder, model, limit, jobs), codec_alone(pictures, jobs)) for _ in range(rounds)
    ]
    ratio = statistics.median(whole / codec for whole, codec in pairs)
    whole, codec = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{len(pictures)} pictures × {len(QPS)} QPs: evaluate {whole:.1f} s, codec {codec:.1f} s")
    print(f"ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
