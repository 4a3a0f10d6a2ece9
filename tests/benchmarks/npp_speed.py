"""Milliseconds a picture of the preprocessors beside the codec's own encoding of the picture.

    .venv/bin/python tests/benchmarks/npp_speed.py [--data $NEUROCODEC_DATA] [--threads 1]

Both on the processor in as many threads (x265 codes one picture in one thread whatever it may
have: what more threads do for the networks, --threads shows), in turns, median; the filter from
picture to picture, as `encode` calls it. On a GPU the network's own time, synchronised, one
picture a call. The weights are random: time does not depend on them. Without pictures: made ones.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch

from neurocodec import codecs, filters, images
from neurocodec.images import Image
from neurocodec.networks import checkpoint
from neurocodec.networks.npp import ARCHITECTURES, Npp
from neurocodec.networks.tensors import to_tensor

QP = 34
SIZES = ((224, 224), (768, 512))
Call = Callable[[Image], object]


def pictures(data: Path | None, width: int, height: int, count: int) -> list[Image]:
    """The middles of photographs at least so large."""
    if data is None:
        noise = np.random.default_rng(0).normal(0, 12, (count, height, width, 3))
        shade = np.linspace(40, 210, width)[:, None]
        return [Image((shade + own).clip(0, 255).astype(np.uint8)) for own in noise]
    found = []
    for path in sorted((data / "kodak").glob("*.png")):
        image = images.read(path.read_bytes(), path.name)
        top, left = (image.height - height) // 2, (image.width - width) // 2
        if min(top, left) >= 0:
            cut = image.pixels[top : top + height, left : left + width]
            found.append(Image(np.ascontiguousarray(cut)))
    return found[:count]


def on_gpu(network: Npp) -> Call:
    moved = network.eval().cuda().to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def call(image: Image) -> None:
        moved(to_tensor([image], "cuda"), QP)
        torch.cuda.synchronize()

    return call


def calls(folder: Path) -> dict[tuple[str, str], Call]:
    """What is timed, by its name and place."""
    found: dict[tuple[str, str], Call] = {}
    for arch in ARCHITECTURES:
        network = Npp(arch=arch)
        path = folder / f"{arch}.safetensors"
        path.write_bytes(checkpoint.dump(network, "npp", {}))
        filter_ = filters.create(f"npp:weights={path}", "cpu")
        found[arch, "cpu"] = lambda image, filter_=filter_: filter_(image, QP)
        if torch.cuda.is_available():
            found[arch, "gpu"] = on_gpu(network)
    codec = codecs.create("bpg")
    found["BPG encode", "cpu"] = lambda image: codec.encode(image, codecs.Level("qp", QP))
    return found


def milliseconds(timed: dict[tuple[str, str], Call], chosen: list[Image], rounds: int) -> dict:
    """The median of every call over pictures and rounds, in turns; a first one is not counted."""
    taken: dict[tuple[str, str], list[float]] = {key: [] for key in timed}
    for call in timed.values():
        call(chosen[0])
    for image in chosen * rounds:
        for key, call in timed.items():
            start = time.perf_counter()
            call(image)
            taken[key].append(1000 * (time.perf_counter() - start))
    return {key: statistics.median(own) for key, own in taken.items()}


@click.command(help=__doc__)
@click.option("--data", default=lambda: os.environ.get("NEUROCODEC_DATA"), type=Path)
@click.option("--threads", default=1, show_default=True)
@click.option("--count", default=4, show_default=True, help="Pictures of each size.")
@click.option("--rounds", default=2, show_default=True)
def main(data: Path | None, threads: int, count: int, rounds: int) -> None:
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        timed = calls(Path(folder))
        columns = {
            size: milliseconds(timed, pictures(data, *size, count), rounds) for size in SIZES
        }
    print(f"ms a picture, {threads} threads; torch's own default here: {os.cpu_count()}")
    heads = [f"{w}×{h} {place}" for w, h in SIZES for place in ("cpu", "gpu")]
    print("".join([f"{'':14}", *(f"{head:>14}" for head in heads)]))
    for name in (*ARCHITECTURES, "BPG encode"):
        cells = [columns[size].get((name, place)) for size in SIZES for place in ("cpu", "gpu")]
        gpu_less = "" if name == "BPG encode" else "not measured"
        shown = (f"{gpu_less if cell is None else f'{cell:.1f}':>14}" for cell in cells)
        print("".join([f"{name:14}", *shown]))


if __name__ == "__main__":
    main()
