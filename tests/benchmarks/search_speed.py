"""Time `--filter search` against its encoder alone, and measure its memory.

    NEUROCODEC_DATA=… python tests/benchmarks/search_speed.py

For a picture of 224×224, one of 768×512 and one of 12 megapixels (Kodak pictures, cropped and put
side by side), for each setting: seconds of the search, by seconds of one encoding of the unfiltered
picture too, and the largest memory of a process that does nothing else. One thread; the last size
takes minutes.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from neurocodec.codecs import Level
from neurocodec.images import Image
from neurocodec.pipeline import Pipeline, Setting, read

SIZES = ((224, 224), (768, 512), (4000, 3000))
LEVEL = Level("qp", 34)


def picture(folder: Path, width: int, height: int) -> Image:
    """Kodak pictures side by side until they cover the size, cropped to it."""
    paths = sorted(folder.glob("*.png"))
    tiles = [read(str(path)).pixels for path in paths]
    wide = [tile for tile in tiles if tile.shape[1] > tile.shape[0]]
    across, down = -(-width // 768), -(-height // 512)
    rows = [
        np.concatenate([wide[(row * across + place) % len(wide)] for place in range(across)], 1)
        for row in range(down)
    ]
    return Image(np.ascontiguousarray(np.concatenate(rows)[:height, :width]))


def timed(setting: Setting, image: Image) -> dict[str, float]:
    """Seconds of the search and of one encoding, and megabytes."""
    pipeline = Pipeline(setting)
    pipeline.filtered(Image(image.pixels[:64, :64].copy()), LEVEL)  # loads what it needs
    start = time.perf_counter()
    filtered = pipeline.filtered(image, LEVEL)
    search_s = time.perf_counter() - start
    start = time.perf_counter()
    pipeline.codec.encode(image, pipeline.own_level(LEVEL))
    encode_s = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    before, after = (filtered.account[key] for key in ("before", "after"))
    change = (after["bpp"] + after["recognition"]) / (before["bpp"] + before["recognition"]) - 1
    return {"search_s": search_s, "encode_s": encode_s, "mb": memory, "cost": change}


def main() -> None:
    """Print a table, each line from a process of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--codec", default="bpg")
    options.add_argument("--filters", default="search", help="separated by commas")
    options.add_argument("--sizes", default=",".join(f"{w}x{h}" for w, h in SIZES))
    options.add_argument("--alone", action="store_true", help="measure here, print JSON")
    chosen = options.parse_args()
    folder = Path(os.environ["NEUROCODEC_DATA"]) / "kodak"
    if chosen.alone:
        width, height = map(int, chosen.sizes.split("x"))
        print(
            json.dumps(timed(Setting(chosen.codec, chosen.filters), picture(folder, width, height)))
        )
        return
    print("| size | filter | search, s | × encoding | MB | R + λ·D_m |")
    print("| --- | --- | --- | --- | --- | --- |")
    for size in chosen.sizes.split(","):
        for spec in chosen.filters.split(","):
            command = [sys.executable, __file__, "--alone", "--codec", chosen.codec]
            command += ["--filters", spec, "--sizes", size]
            done = subprocess.run(command, capture_output=True, check=True, text=True)
            line = json.loads(done.stdout)
            print(
                f"| {size} | `{spec}` | {line['search_s']:.1f} | "
                f"{line['search_s'] / line['encode_s']:.0f} | {line['mb']:.0f} | "
                f"{line['cost']:+.0%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
