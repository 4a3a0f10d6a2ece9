"""The codec in the training loop against the published way of having it there.

    .venv/bin/python tests/benchmarks/codec_in_loop_speed.py --data $NEUROCODEC_DATA [--jobs 2]

Ours: one batch of training crops (224×224, BPG, QP 34) encoded and decoded by CodecPool. The
published way: a program that encodes and one that decodes, picture after picture, with PNG files
between: bpgenc and bpgdec where the real ones are found (never this project's drop-ins), else the
bundled ffmpeg with x265 set as ours is. In turns, from arrays to arrays; the pool is started.
Beside it, with `--step`, the whole training step: npp-light, two recognisers, BPG in the loop.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import PIL.Image

from neurocodec import images, tools
from neurocodec.batch.engines.local import available_cores
from neurocodec.codecs.bpg import x265
from neurocodec.codecs.programs.bpgdec import BPGDEC
from neurocodec.codecs.programs.bpgenc import BPGENC
from neurocodec.codecs.programs.ffmpeg import FFMPEG
from neurocodec.images import Image
from neurocodec.training.codec_pool import CodecPool

QP, SIDE = 34, 224
MODELS = ("squeezenet1_0.safetensors", "mobilenet_v2_1.0_224.safetensors")
Coding = Callable[[list[Image]], list[np.ndarray]]


def crops(folder: Path, count: int) -> list[Image]:
    """The middles of the first pictures that are large enough."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if images.has_picture_name(path)):
        image = images.read(path.read_bytes(), path.name)
        top, left = (image.height - SIDE) // 2, (image.width - SIDE) // 2
        if min(top, left) >= 0:
            cut = image.pixels[top : top + SIDE, left : left + SIDE]
            found.append(Image(np.ascontiguousarray(cut)))
        if len(found) == count:
            return found
    raise SystemExit(f"{folder} holds {len(found)} pictures of {SIDE} pixels a side, not {count}")


def real(tool: tools.Tool) -> Path | None:
    """The program of libbpg, unless what is found is this project's own."""
    found = tools.lookup(tool)
    if found is None:
        return None
    said = subprocess.run([found.path, "-h"], capture_output=True, check=False)
    return None if b"neurocodec" in said.stdout + said.stderr else found.path


def programs() -> tuple[str, list[str], list[str]]:
    """Their name, and the command lines from in.png to coded and from coded to out.png."""
    encoder, decoder = real(BPGENC), real(BPGDEC)
    if encoder is not None and decoder is not None:
        encode = [encoder, "-q", QP, "-f", "420", "-b", "8", "-m", "8", "-o", "coded", "in.png"]
        return "bpgenc, bpgdec", [*map(str, encode)], [str(decoder), "-o", "out.png", "coded"]
    ffmpeg = [str(tools.find(FFMPEG).path), "-y", "-loglevel", "error"]
    options = x265.options(QP, effort=8, side=SIDE)
    pairs = [(f"-{key}", value) for key, value in options.items()]
    parameters = ["-c:v", "libx265", *(part for pair in pairs for part in pair)]
    encode = [*ffmpeg, "-i", "in.png", "-pix_fmt", "yuv420p", *parameters, "-f", "hevc", "coded"]
    decode = [*ffmpeg, "-f", "hevc", "-i", "coded", "-frames:v", "1", "out.png"]
    return "the bundled ffmpeg, twice", encode, decode


def one_by_one(encode: list[str], decode: list[str], folder: Path) -> Coding:
    def coded(batch: list[Image]) -> list[np.ndarray]:
        results = []
        for image in batch:
            PIL.Image.fromarray(image.pixels).save(folder / "in.png")
            subprocess.run(encode, cwd=folder, check=True)
            subprocess.run(decode, cwd=folder, check=True)
            results.append(images.read((folder / "out.png").read_bytes(), "out.png").pixels)
        return results

    return coded


def per_second(coding: Coding, batch: list[Image]) -> float:
    start = time.perf_counter()
    results = coding(batch)
    taken_s = time.perf_counter() - start
    for result, image in zip(results, batch, strict=True):
        error = np.mean((result.astype(float) - image.pixels) ** 2)
        assert error < 400, "what was decoded is another picture"
    return len(batch) / taken_s


def step_per_second(data: Path, jobs: int, steps: int, batch: int) -> float:
    """Pictures a second of `train-npp`, its first three steps left out."""
    models = [part for name in MODELS for part in ("--model", str(data / "models" / name))]
    with tempfile.TemporaryDirectory() as folder:
        where = ["--data", str(data / "train-pool"), "-o", folder, "-q"]
        size = ["--batch", str(batch), "--max-steps", str(steps), "--validation", "0"]
        how = ["--arch", "npp-light", "--qp", "33-35", "--amp", "-j", str(jobs)]
        command = [sys.executable, "-m", "neurocodec", "train-npp", *where, *models, *size, *how]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        log = (Path(folder) / "log.jsonl").read_text().splitlines()
    minutes = [json.loads(line)["minutes"] for line in log]
    return batch * (len(minutes) - 3) / (60 * (minutes[-1] - minutes[2]))


@click.command(help=__doc__)
@click.option("--data", default=lambda: os.environ.get("NEUROCODEC_DATA"), type=Path, required=True)
@click.option("--batch", default=32, show_default=True, help="Pictures.")
@click.option("--jobs", type=int, default=available_cores, help="Processes.  [default: one a core]")
@click.option("--rounds", default=3, show_default=True)
@click.option("--step", is_flag=True, help="Also the whole training step.")
def main(data: Path, batch: int, jobs: int, rounds: int, step: bool) -> None:
    pictures = crops(data / "train-pool", batch)
    name, encode, decode = programs()
    with tempfile.TemporaryDirectory() as folder, CodecPool("bpg", jobs=jobs) as pool:
        published = one_by_one(encode, decode, Path(folder))

        def ours(batch: list[Image]) -> list[np.ndarray]:
            return [one.image.pixels for one in pool.submit(batch, [QP] * len(batch))()]

        ours(pictures[: 4 * jobs])  # starts every process
        pairs = [
            (per_second(ours, pictures), per_second(published, pictures)) for _ in range(rounds)
        ]
    own, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"encode and decode, {batch} crops of {SIDE}×{SIDE}, BPG QP {QP}, pictures/s:")
    print(f"  the pool, {jobs} processes: {own:.1f}; {name}: {other:.2f}; ratio {ratio:.1f}")
    if step:
        whole = step_per_second(data, jobs, steps=8, batch=8)
        print(f"  the whole step of train-npp (npp-light, two recognisers): {whole:.2f}")


if __name__ == "__main__":
    main()
