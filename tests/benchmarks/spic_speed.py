"""Answers from spic's latents beside decoding and recognising pixels; Huffman beside rANS.

    .venv/bin/python tests/benchmarks/spic_speed.py PICTURES WEIGHTS MODEL [--limit 100] [--qf 48]

Everything in this process, on one thread. MODEL reads the decoded pixels of the same files.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import torch

from neurocodec import codecs, tasks
from neurocodec.codecs import Level
from neurocodec.codecs.learned.latents import CODERS
from neurocodec.images import has_picture_name
from neurocodec.pipeline import read


def timed(work: Callable[[bytes], object], coded: Sequence[bytes]) -> float:
    """Milliseconds a file, the first one left out."""
    work(coded[0])
    start = time.perf_counter()
    for data in coded:
        work(data)
    return 1000 * (time.perf_counter() - start) / len(coded)


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.argument("weights", type=click.Path(exists=True))
@click.argument("model")
@click.option("--limit", default=100)
@click.option("--qf", default=48)
def main(folder: Path, weights: str, model: str, limit: int, qf: int) -> None:
    """Print milliseconds a file, their ratio, and the bits of both coders."""
    torch.set_num_threads(1)
    paths = [path for path in sorted(folder.iterdir()) if has_picture_name(path)][:limit]
    pictures = [read(str(path)) for path in paths]
    pixels = sum(picture.width * picture.height for picture in pictures)
    recogniser = tasks.create("classification", model)
    print("| coder | bpp | encoding, ms | latents to pixels, ms | latents to classes, ms |")
    print("|---|---|---|---|---|")
    latents_ms = {}
    for coder in CODERS:
        codec, level = codecs.create(f"spic:weights={weights}:coder={coder}"), Level("qf", qf)
        codec.encode(pictures[0], level)
        start = time.perf_counter()
        coded = [codec.encode(picture, level) for picture in pictures]
        encode_ms = 1000 * (time.perf_counter() - start) / len(pictures)
        rate = 8 * sum(map(len, coded)) / pixels
        latents_ms[coder] = timed(codec.classify, coded)
        print(
            f"| {coder} | {rate:.4f} | {encode_ms:.1f} | {timed(codec.decode, coded):.1f} | "
            f"{latents_ms[coder]:.1f} |"
        )
    rans = codecs.create(f"spic:weights={weights}")
    coded = [rans.encode(picture, level) for picture in pictures]
    by_pixels = timed(lambda data: recogniser.predict([rans.decode(data)]), coded)
    ratio = by_pixels / latents_ms[CODERS[0]]
    print(f"\nDecoding and {recogniser.model} take {ratio:.2f} times as long as the latents.")


if __name__ == "__main__":
    main()
