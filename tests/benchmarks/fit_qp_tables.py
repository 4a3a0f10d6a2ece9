"""Measure neurocodec/codecs/qp_tables.json: each codec's mean bpp on the 24 Kodak pictures.

    NEUROCODEC_DATA=… python tests/benchmarks/fit_qp_tables.py --jobs 2

It wants $NEUROCODEC_DATA/kodak/*.png, and some 15 minutes on two cores, most of them for VVC.
Sizes measured are kept in --sizes, so that an interrupted run goes on where it was; remove that
file after a change to an encoder.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from neurocodec import codecs, images
from neurocodec.measures.rate import bpp

# Both ends of each codec's range are among them; between them log bpp is taken for straight.
MEASURED = {
    "bpg": [*range(0, 51, 3), 51],
    "jpeg": [*range(1, 11), *range(12, 91, 3), *range(91, 101)],
    "jpeg2000": [*range(20, 30), *range(30, 61, 2)],
    "vvc": [0, 12, 20, 26, 32, 38, 44, 50, 56, 63],
    "webp": [*range(1, 10, 2), *range(10, 100, 5), 100],
    "avif": [*range(1, 10, 2), *range(10, 100, 5), 100],
    "jxl": [*range(1, 10, 2), *range(10, 95, 5), 97, 99],
    "heic": [*range(1, 10, 2), *range(10, 100, 5), 100],
    "spic": [8, 12, 16, 24, 32, 48, 64, 96, 128],
}
TABLES = Path(codecs.__file__).parent / "qp_tables.json"
Job = tuple[str, int, str]


@lru_cache(maxsize=1)
def _picture(path: str) -> images.Image:
    return images.read(Path(path).read_bytes(), path)


@lru_cache
def _codec(name: str) -> codecs.Codec:
    return codecs.create(name)


def coded_bpp(job: Job) -> float:
    """Of one picture, coded by a codec at a level."""
    name, level, path = job
    image = _picture(path)
    codec = _codec(name)
    data = codec.encode(image, codecs.Level(codec.unit, level))
    return bpp(len(data), image.width, image.height)


def measure(jobs: list[Job], sizes: Path, workers: int) -> dict[Job, float]:
    """The bpp of every job, those that `sizes` already has read from there."""
    lines = sizes.read_text().splitlines() if sizes.exists() else []
    known: dict[Job, float] = {
        (name, level, path): rate for name, level, path, rate in map(json.loads, lines)
    }
    missing = [job for job in jobs if job not in known]
    with ProcessPoolExecutor(workers) as pool, sizes.open("a") as kept:
        for job, rate in zip(missing, pool.map(coded_bpp, missing, chunksize=4), strict=True):
            known[job] = rate
            print(json.dumps([*job, rate]), file=kept, flush=True)
    return known


def table(name: str, rates: dict[Job, float], paths: list[str]) -> dict[str, list[float]]:
    """The measured levels of one codec and its mean bpp at each, monotone.

    Not strictly: x265 codes an intra picture 3 below the QP, so BPG's QPs 0 to 3 are one.

    Raises:
        SystemExit: more bits at a level that should have fewer.
    """
    levels = sorted(MEASURED[name])
    means = [fmean(rates[name, level, path] for path in paths) for level in levels]
    rising = means[::-1] if _codec(name).unit == "qp" else means
    if any(more < less for less, more in pairwise(rising)):
        sys.exit(f"{name}: mean bpp is not monotone: {means}")
    return {"levels": list(levels), "bpp": [round(mean, 6) for mean in means]}


def main() -> None:
    """Measure what is missing and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--sizes", type=Path, default=Path("qp_tables.sizes.jsonl"))
    parser.add_argument(
        "--codec", choices=MEASURED, action="append", help="default: all; others stay"
    )
    parser.add_argument("--output", type=Path, default=TABLES)
    options = parser.parse_args()
    folder = Path(os.environ["NEUROCODEC_DATA"]) / "kodak"
    names = options.codec or list(MEASURED)
    paths = sorted(str(path) for path in folder.glob("*.png"))
    jobs = [(name, level, path) for name in names for path in paths for level in MEASURED[name]]
    rates = measure(jobs, options.sizes, options.jobs)
    before = json.loads(options.output.read_text()) if options.output.exists() else {}
    encoders = before.get("made_by", {}).get("encoders", {})
    made_by = {
        "command": "python tests/benchmarks/fit_qp_tables.py",
        "pictures": f"{len(paths)} of Kodak",
        "encoders": encoders | {name: _codec(name).encoder for name in names},
    }
    tables = before.get("codecs", {}) | {name: table(name, rates, paths) for name in names}
    options.output.write_text(as_json({"made_by": made_by, "codecs": tables}))


def as_json(content: Mapping[str, Mapping[str, object]]) -> str:
    """The content as JSON with one line for each thing at its second level."""
    parts = [
        f" {json.dumps(part)}: {{\n"
        + ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in things.items())
        + "\n }"
        for part, things in content.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
