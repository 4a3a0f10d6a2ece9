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
from pathlib import Path

import click
from neurocodec.codecs.bpg.encoders import x265_arguments

from neurocodec import images, tools
from neurocodec.codecs import create
from neurocodec.codecs.ffmpeg import FFMPEG, raw

NEUROCODEC = [sys.executable, "-m", "neurocodec"]
QP = 34


def seconds(command: Sequence[str], **options: object) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)
    return time.perf_counter() - start


def prepare(pictures: list[Path], folder: Path) -> None:
    """Write each picture's coded planes as NAME.yuv, and links to the pictures themselves."""
    codec = create("bpg")
    for folder_name in ("yuv", "pictures"):
        (folder / folder_name).mkdir()
    for number, path in enumerate(pictures):
        image = images.read(path.read_bytes(), path.name)
        (folder / "yuv" / f"{number}.yuv").write_bytes(raw(codec.planes(image)))
        (folder / "pictures" / f"{number}{path.suffix}").symlink_to(path.resolve())


def peer_command(folder: Path, size: str, jobs: int) -> list[str]:
    ffmpeg = [str(tools.find(FFMPEG).path), "-hide_banner", "-loglevel", "error", "-y"]
    source = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", size, "-i", "{}"]
    encoder = [*x265_arguments(QP), "-frames:v", "1", "-f", "hevc", "{}.hevc"]
    files = f"find {shlex.quote(str(folder / 'yuv'))} -name '*.yuv' -print0"
    peer = shlex.join([*ffmpeg, *source, *encoder])
    return ["sh", "-c", f"{files} | xargs -0 -P{jobs} -I{{}} {peer}"]


def ratio(ours: Callable[[], float], peer: Callable[[], float], rounds: int, what: str) -> None:
    pairs = [(ours(), peer()) for _ in range(rounds)]
    own, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    middle = statistics.median(a / b for a, b in pairs)
    print(f"{what}: neurocodec {own:.3f} s, peer {other:.3f} s, ratio {middle:.3f}")


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--limit", default=500, show_default=True)
@click.option("--jobs", default=2, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(folder: Path, limit: int, jobs: int, rounds: int) -> None:
    """Compare on the pictures of FOLDER, all of one size."""
    pictures = sorted(path for path in folder.iterdir() if images.has_picture_name(path))[:limit]
    first = images.read(pictures[0].read_bytes(), pictures[0].name)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        prepare(pictures, scratch)
        peer = peer_command(scratch, f"{first.width}x{first.height}", jobs)
        encode = [*NEUROCODEC, "encode", "-q", "--qp", str(QP), "--pre", "none"]
        many = [*encode, str(scratch / "pictures"), "-o", str(scratch / "out"), "-j", str(jobs)]
        one = [*encode, str(pictures[0]), "-o", str(scratch / "one.bpg")]
        (scratch / "yuv1" / "yuv").mkdir(parents=True)
        (scratch / "yuv1" / "yuv" / "0.yuv").symlink_to(scratch / "yuv" / "0.yuv")
        single = peer_command(scratch / "yuv1", f"{first.width}x{first.height}", 1)
        what = f"{len(pictures)} pictures {first.width}×{first.height}, {jobs} jobs"
        ratio(lambda: seconds(many), lambda: seconds(peer), rounds, what)
        ratio(lambda: seconds(one), lambda: seconds(single), 5 * rounds, "one picture")
    show = [*NEUROCODEC, "encode", "--help"]
    print(f"encode --help: {min(seconds(show) for _ in range(5)):.3f} s")


if __name__ == "__main__":
    main()
