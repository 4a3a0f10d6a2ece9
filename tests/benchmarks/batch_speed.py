"""Batch BPG encoding against `xargs -P` over the bundled ffmpeg on prepared planes.

    .venv/bin/python tests/benchmarks/batch_speed.py PICTURES [--jobs 2] [--rounds 3]

Both sides do the same encodings, with the same x265 options, in turns. The peer starts from
.yuv files that are ready, and has neither pictures to read nor containers to write. Also shown:
the time of `--help`, and what `encode` adds to the encoder's own process for one picture.
"""

import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import click

from neurocodec import images, tools
from neurocodec.codecs.bpg import x265
from neurocodec.codecs.bpg.settings import Settings
from neurocodec.codecs.planes.colour import to_planes
from neurocodec.codecs.programs.ffmpeg import FFMPEG

NEUROCODEC = [sys.executable, "-m", "neurocodec"]
QP = 34


def seconds(command: Sequence[str], **options: object) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)
    return time.perf_counter() - start


def peer_run(path: Path) -> tuple[list[str], bytes]:
    """The encoder's command line for a picture, and the planes on its standard input."""
    image = images.read(path.read_bytes(), path.name)
    layout = Settings().layout(image)
    planes = x265.whole_blocks(to_planes(image.pixels, layout), layout)
    height, width = planes[0].shape
    source = ["-f", "rawvideo", "-pix_fmt", x265.pixel_format(layout)]
    source += ["-video_size", f"{width}x{height}", "-i", "pipe:0"]
    chosen = x265.options(QP, effort=8, side=min(height, width))
    options = [part for key, value in chosen.items() for part in (f"-{key}", value)]
    program = [str(tools.find(FFMPEG).path), "-hide_banner", "-loglevel", "error"]
    target = ["-c:v", "libx265", *options, "-frames:v", "1", "-f", "hevc", "pipe:1"]
    return [*program, *source, *target], b"".join(plane.tobytes() for plane in planes)


def prepare(pictures: list[Path], folder: Path) -> list[str]:
    """Write every picture's planes as a .yuv and a link to it; the command that codes one."""
    for name in ("yuv", "pictures"):
        (folder / name).mkdir()
    for number, path in enumerate(pictures):
        command, planes = peer_run(path)
        (folder / "yuv" / f"{number}.yuv").write_bytes(planes)
        (folder / "pictures" / f"{number}{path.suffix}").symlink_to(path.resolve())
    places = {"pipe:0": "{}", "pipe:1": "{}.hevc"}
    return [places.get(part, part) for part in [*command, "-y"]]


def peer(command: list[str], folder: Path, names: str, jobs: int) -> list[str]:
    files = f"find {shlex.quote(str(folder / 'yuv'))} -name {shlex.quote(names)} -print0"
    return ["sh", "-c", f"{files} | xargs -0 -P{jobs} -I{{}} {shlex.join(command)}"]


def ratio(ours: Callable[[], float], peer: Callable[[], float], rounds: int, what: str) -> None:
    pairs = [(ours(), peer()) for _ in range(rounds)]
    own, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    middle = statistics.median(a / b for a, b in pairs)
    print(f"{what}: neurocodec {own:.3f} s, peer {other:.3f} s, ratio {middle:.3f}")


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--limit", default=2000, show_default=True, help="Pictures, repeated if need be.")
@click.option("--jobs", default=2, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(folder: Path, limit: int, jobs: int, rounds: int) -> None:
    """Compare on the pictures of FOLDER, all of one size."""
    found = sorted(path for path in folder.iterdir() if images.has_picture_name(path))
    pictures = list(islice(cycle(found), limit))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        command = prepare(pictures, scratch)
        all_by_peer = peer(command, scratch, "*.yuv", jobs)
        one_by_peer = [part.replace("{}", str(scratch / "yuv" / "0.yuv")) for part in command]
        for chosen in ("none", "auto"):
            encode = [*NEUROCODEC, "encode", "-q", "--qp", str(QP), "--filter", chosen]
            folders = [str(scratch / "pictures"), "-o", str(scratch / chosen), "-j", str(jobs)]
            many = partial(seconds, [*encode, *folders])
            what = f"{len(pictures)} pictures, {jobs} jobs, --filter {chosen}"
            ratio(many, lambda: seconds(all_by_peer), rounds, what)
            one = partial(seconds, [*encode, str(pictures[0]), "-o", str(scratch / "one.bpg")])
            what = f"one picture, --filter {chosen}"
            ratio(one, lambda: seconds(one_by_peer), 5 * rounds, what)
    show = [*NEUROCODEC, "encode", "--help"]
    print(f"encode --help: {min(seconds(show) for _ in range(5)):.3f} s")


if __name__ == "__main__":
    main()
