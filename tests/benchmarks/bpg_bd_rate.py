"""BD-rate(PSNR) of our BPG against x265 as bpgenc sets it, and against bpgenc where it is found.

    .venv/bin/python tests/benchmarks/bpg_bd_rate.py [--data $NEUROCODEC_DATA] [--pictures 24]

bpgenc's `-m 8` is x265's preset veryslow tuned for SSIM, its other parameters as x265 has them.
Every encoder gets the same planes (8-bit 4:2:0) and its file is decoded by the same decoder.
Negative numbers are bits saved at equal PSNR: the mean over the pictures, and its standard error.
"""

import os
import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from neurocodec import images
from neurocodec.codecs import Level, libav
from neurocodec.codecs.bpg import Bpg, x265
from neurocodec.codecs.bpg.container import demux, mux
from neurocodec.codecs.bpg.streams import bpg_units, read_stream
from neurocodec.codecs.planes import colour
from neurocodec.codecs.planes.layout import Layout
from neurocodec.codecs.programs.bpgenc import BPGENC
from neurocodec.images import Image
from neurocodec.measures.rate import bpp
from neurocodec.tools import lookup

try:
    import bjontegaard
except ImportError:
    raise SystemExit("this needs the package bjontegaard: pip install bjontegaard") from None

QPS = (22, 27, 32, 37, 42)
Point = tuple[float, float, float]
Encode = Callable[[Image, int], bytes]


def as_bpgenc_sets_it(image: Image, qp: int) -> bytes:
    """A .bpg of the bundled x265 with bpgenc's own parameters."""
    parameters = f"qp={qp}:keyint=1:info=0:log-level=none"
    options = {"preset": "veryslow", "tune": "ssim", "x265-params": parameters}
    planes = x265.whole_blocks(colour.to_planes(image.pixels, Layout()), Layout())
    stream = libav.encode(planes, "yuv420p", "libx265", options)
    taken = read_stream(stream, Layout(), image.width, image.height)
    ours = demux(Bpg(engine="x265", effort=1).encode(image, Level("qp", qp)))
    return mux(replace(ours, sps=taken.sps.mini.to_bytes(), units=bpg_units(taken, None)))


def by(**settings: str | int) -> Encode:
    """Encode with these settings of BPG."""
    codec = Bpg(**settings)
    return lambda image, qp: codec.encode(image, Level("qp", qp))


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


def luma(image: Image) -> np.ndarray:
    return colour.to_planes(image.pixels, Layout("444"))[0]


def point(encode: Encode, image: Image, qp: int) -> Point:
    """bpp, RGB-PSNR and Y-PSNR, both on the decoded RGB picture."""
    data = encode(image, qp)
    decoded = Bpg().decode(data)
    rate = bpp(len(data), image.width, image.height)
    return rate, psnr_db(decoded.pixels, image.pixels), psnr_db(luma(decoded), luma(image))


def bd_rates(anchor: list[Point], test: list[Point]) -> tuple[float, float]:
    """In percent, by RGB-PSNR and by Y-PSNR."""
    (rate_a, rgb_a, y_a), (rate_t, rgb_t, y_t) = zip(*anchor, strict=True), zip(*test, strict=True)
    return tuple(
        bjontegaard.bd_rate(rate_a, score_a, rate_t, score_t, method="pchip")
        for score_a, score_t in ((rgb_a, rgb_t), (y_a, y_t))
    )


@click.command(help=__doc__)
@click.option("--data", default=lambda: os.environ.get("NEUROCODEC_DATA"), type=Path, required=True)
@click.option("--pictures", default=24, help="How many of the Kodak pictures.")
@click.option("--jobs", default=2)
def main(data: Path, pictures: int, jobs: int) -> None:
    paths = sorted((data / "kodak").glob("*.png"))[:pictures]
    chosen = [images.read(path.read_bytes(), path.name) for path in paths]
    anchors: dict[str, Encode] = {"bundled x265, bpgenc -m 8's parameters": as_bpgenc_sets_it}
    if lookup(BPGENC) is not None:
        anchors["bpgenc -m 8"] = by(engine="bpgenc")
    else:
        print("bpgenc was not found: it is left out")
    tests: dict[str, Encode] = {
        "ours": by(engine="x265"),
        "ours, effort 6 (slow)": by(engine="x265", effort=6),
    }
    with ThreadPoolExecutor(jobs) as pool:
        curves = {
            name: list(pool.map(lambda image, e=encode: [point(e, image, q) for q in QPS], chosen))
            for name, encode in {**anchors, **tests}.items()
        }
    print(f"{len(chosen)} Kodak pictures, QP {QPS}; BD-rate in %, pchip")
    for anchor in anchors:
        for test in tests:
            pairs = zip(curves[anchor], curves[test], strict=True)
            columns = zip(*(bd_rates(a, t) for a, t in pairs), strict=True)
            shown = (
                f"{statistics.mean(c):+.2f} ± {statistics.stdev(c) / len(c) ** 0.5:.2f}"
                for c in columns
            )
            print(f"{test} against {anchor}: RGB-PSNR {next(shown)}, Y-PSNR {next(shown)}")


if __name__ == "__main__":
    main()
