"""What a filter adds to the memory of a process that holds a large picture.

    .venv/bin/python tests/benchmarks/filter_memory.py [--arch npp-light] [--side 10000]

Random weights, one thread. Everything counts that the process did not have before: torch itself,
the network, the tiles' features, the filtered picture. 100 megapixels take npp-light about two
minutes, npp and npp-residual twenty; their peak is reached within the first tiles, so a smaller
--side shows it, less 3 bytes a pixel of the filtered picture.
"""

import resource
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from neurocodec.images import Image


def peak_bytes() -> int:
    """The largest resident size of this process so far (Linux counts in KiB)."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@click.command(help=__doc__)
@click.option("--arch", default="npp-light", show_default=True)
@click.option("--side", default=10_000, show_default=True, help="Of the picture, in pixels.")
@click.option("--tile", default=0, help="Of a tile, in pixels.  [default: the network's]")
def main(arch: str, side: int, tile: int) -> None:
    rng = np.random.default_rng(0)
    pixels = np.empty((side, side, 3), np.uint8)
    for row in pixels:
        row[:] = rng.integers(0, 256, row.shape, dtype=np.uint8)
    before = peak_bytes()
    import torch

    from neurocodec import filters
    from neurocodec.networks import checkpoint
    from neurocodec.networks.npp import Npp

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.safetensors"
        path.write_bytes(checkpoint.dump(Npp(arch=arch), "npp", {}))
        filter_ = filters.create(f"npp:weights={path}:tile={tile}")
    start = time.perf_counter()
    filter_(Image(pixels), 34)
    taken_s = time.perf_counter() - start
    added = (peak_bytes() - before) / 1e9
    print(f"{arch}, {side}×{side}: {added:.2f} GB more than without, {taken_s:.0f} s")


if __name__ == "__main__":
    main()
