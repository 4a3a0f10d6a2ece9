"""dic's speed beside the bundled BPG encoder, and what its entropy coding saves over packed bits.

    .venv/bin/python tests/benchmarks/dic_speed.py PICTURES WEIGHTS [--limit 24] [--iterations 4]

BPG codes at the QP that has dic's mean bpp by the QP tables. Both work in this process.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import click

from neurocodec import codecs
from neurocodec.codecs import Codec, Level, qp_tables
from neurocodec.images import Image
from neurocodec.networks.dic import BITS, STRIDE
from neurocodec.pipeline import read


def timed(codec: Codec, level: Level, pictures: Sequence[Image]) -> tuple[float, float, int]:
    """Seconds a picture of encoding and of decoding, and the bytes of all files."""
    codec.decode(codec.encode(pictures[0], level))  # loads what it needs
    start = time.perf_counter()
    coded = [codec.encode(picture, level) for picture in pictures]
    encoded = time.perf_counter()
    for data in coded:
        codec.decode(data)
    decoded = time.perf_counter()
    count = len(pictures)
    return (encoded - start) / count, (decoded - encoded) / count, sum(map(len, coded))


def packed_bytes(picture: Image) -> int:
    """Of the bits of an iteration."""
    return -(-picture.width // STRIDE) * -(-picture.height // STRIDE) * BITS // 8


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.argument("weights", type=click.Path(exists=True))
@click.option("--limit", default=24)
@click.option("--iterations", default=4)
def main(folder: Path, weights: str, limit: int, iterations: int) -> None:
    """Print seconds a picture, their ratios, and the saving in per cent."""
    pictures = [read(str(path)) for path in sorted(folder.glob("*.png"))[:limit]]
    dic, bpg = codecs.create(f"dic:weights={weights}"), codecs.create("bpg")
    level = Level("iterations", iterations)
    qp = Level("qp", round(qp_tables.bpg_qp("dic", level)))
    encode_s, decode_s, size = timed(dic, level, pictures)
    bpg_encode_s, bpg_decode_s, bpg_size = timed(bpg, qp, pictures)
    print("| codec | bpp | encoding, s | decoding, s |")
    print("|---|---|---|---|")
    pixels = sum(picture.width * picture.height for picture in pictures)
    for name, *seconds, total in (
        (f"dic, {level}", encode_s, decode_s, size),
        (f"bpg, {qp}", bpg_encode_s, bpg_decode_s, bpg_size),
    ):
        print(f"| {name} | {8 * total / pixels:.3f} | {seconds[0]:.2f} | {seconds[1]:.2f} |")
    print(f"| ratio | | {encode_s / bpg_encode_s:.1f} | {decode_s / bpg_decode_s:.1f} |")
    packed = iterations * sum(map(packed_bytes, pictures))
    print(f"\nFiles are {100 * (1 - size / packed):.1f} % smaller than the packed bits.")


if __name__ == "__main__":
    main()
