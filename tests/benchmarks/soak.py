"""Put batches through what goes wrong in long runs, and say what was lost: nothing.

    python tests/benchmarks/soak.py                      # all of it, some 20 minutes
    python tests/benchmarks/soak.py kills --kills 50     # one scenario
    python tests/benchmarks/soak.py small --pictures 100000

Every scenario prints a line, and fails where a file is missing, half written, left over or other
than that of an undisturbed run.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from neurocodec import codecs, images  # noqa: E402
from tests.batch.test_cluster import worker_at_work  # noqa: E402
from tests.conftest import picture  # noqa: E402

NEUROCODEC = [sys.executable, "-m", "neurocodec"]
OPTIONS = ["--codec", "bpg", "--qp", "37", "--filter", "none", "-j", "2", "-q"]
_STALE_S = 1.2  # after which what a killed run was writing is known to be stale


def pictures(folder: Path, count: int, size: tuple[int, int] = (96, 64)) -> Path:
    """A folder of `count` pictures, a hundred of them different."""
    folder.mkdir()
    kinds = min(count, 100)
    for seed in range(kinds):
        (folder / f"{seed:06}.png").write_bytes(images.png(picture(*size, seed=seed)))
    for number in range(kinds, count):
        os.link(folder / f"{number % kinds:06}.png", folder / f"{number:06}.png")
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """All files of a folder by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def encode(source: Path, output: Path, *more: str) -> list[str]:
    """The command that encodes a folder."""
    return [*NEUROCODEC, "encode", str(source), "-o", str(output), *OPTIONS, *more]


def run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def whole(source: Path, output: Path) -> dict[str, bytes]:
    """The files of an undisturbed run."""
    assert run(encode(source, output)).returncode == 0
    return tree(output)


def check(holds: bool, what: str) -> None:
    """End the scenario where something was lost."""
    if not holds:
        raise SystemExit(f"LOST: {what}")


def kills(folder: Path, options: argparse.Namespace) -> str:
    """SIGKILL, SIGTERM and SIGINT at random moments, and --resume after each."""
    source = pictures(folder / "in", 400)
    expected = whole(source, folder / "whole")
    command = encode(source, folder / "out", "--manifest", str(folder / "m.jsonl"), "--resume")
    chosen, killed, ended = random.Random(0), 0, 0
    while killed < options.kills:
        if (folder / "out").is_dir() and len(tree(folder / "out")) == len(
            expected
        ):  # all is done: begin again
            for path in (folder / "out").iterdir():
                path.unlink()
            (folder / "m.jsonl").unlink()
            ended += 1
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, cwd=ROOT, process_group=0, **silent)
        time.sleep(chosen.uniform(0.1, 3))
        number = chosen.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        killed += process.wait(60) in {-number, 128 + number}
    time.sleep(_STALE_S)
    check(run(command).returncode == 0, "the last run failed")
    check(tree(folder / "out") == expected, "files differ from those of the uninterrupted run")
    return f"{killed} kills, {ended} times from the beginning: all {len(expected)} files equal"


def two(folder: Path, options: argparse.Namespace) -> str:
    """Two runs on one folder at once."""
    source = pictures(folder / "in", 200)
    expected = whole(source, folder / "whole")
    command = encode(source, folder / "out")
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    both = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(2)]
    words = [process.communicate()[1] for process in both]
    codes = sorted(process.returncode for process in both)
    check(tree(folder / "out") == expected, "files differ")
    check(codes == [0, 2] and any(b"another neurocodec" in w for w in words), f"exits {codes}")
    return "one ran, one was refused; the files are those of one run"


def changing(folder: Path, options: argparse.Namespace) -> str:
    """Pictures that change while they are read."""
    source = pictures(folder / "in", 100)
    stop = threading.Event()

    def change() -> None:
        seed = 1000
        while not stop.is_set():
            target = source / f"{seed % 100:06}.png"
            data = images.png(picture(96, 64, seed=seed))
            target.write_bytes(data[: len(data) // 2])
            target.write_bytes(data)
            seed += 1

    thread = threading.Thread(target=change)
    thread.start()
    manifest = ("--manifest", str(folder / "m.jsonl"), "--resume")
    first = run(encode(source, folder / "out", *manifest))
    stop.set()
    thread.join()
    codec = codecs.create("bpg")
    for data in tree(folder / "out").values():
        codec.decode(data)
    check(first.returncode in {0, 5}, f"exit {first.returncode}: {first.stderr[-300:]}")
    check(run(encode(source, folder / "out", *manifest)).returncode == 0, "resuming failed")
    check(tree(folder / "out") == whole(source, folder / "whole"), "stale files stayed")
    return f"first run: exit {first.returncode}; --resume brought all 100 up to date"


def small(folder: Path, options: argparse.Namespace) -> str:
    """Very many small files: memory must not grow with their number."""
    peaks = []
    for count in (options.pictures // 10, options.pictures):
        source = pictures(folder / f"in{count}", count, (16, 16))
        manifest = ("--manifest", str(folder / f"{count}.jsonl"), "--codec", "webp")
        start = time.monotonic()
        peak = _peak_mb(encode(source, folder / f"out{count}", *manifest))
        seconds = time.monotonic() - start
        written = sum(1 for _ in os.scandir(folder / f"out{count}"))
        check(written == count, f"{written} of {count} files")
        peaks.append((count, peak, count / seconds))
    check(peaks[1][1] < 1.5 * peaks[0][1], f"memory grew with the number of files: {peaks}")
    return "; ".join(f"{n} files: {mb:.0f} MB, {rate:.0f} files/s" for n, mb, rate in peaks)


def large(folder: Path, options: argparse.Namespace) -> str:
    """One picture of 20 000 × 20 000."""
    import PIL.Image

    PIL.Image.MAX_IMAGE_PIXELS = None
    side = options.side
    source = folder / "large.png"
    PIL.Image.linear_gradient("L").resize((side, side)).save(source, compress_level=1)
    command = [*NEUROCODEC, "encode", str(source), "--codec", "jpeg", "--quality", "50"]
    command += ["--filter", "none", "-o", str(folder / "large.jpg"), "-q"]
    refused = run(command)
    check(refused.returncode == 5 and "--max-pixels" in refused.stderr, refused.stderr[-300:])
    peak = _peak_mb([*command, "--max-pixels", str(side**2)])
    check((folder / "large.jpg").is_file(), "no file")
    return f"{side}×{side}: refused, and with --max-pixels raised coded in {peak:.0f} MB"


def full(folder: Path, options: argparse.Namespace) -> str:
    """A disk that becomes full in the middle."""
    disk = folder / "disk"
    disk.mkdir()
    if run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]).returncode:
        return "not tried: no file system can be mounted here"
    try:
        source = pictures(folder / "in", 300)
        done = run(encode(source, disk / "out"))
        written = tree(disk / "out")
        check(done.returncode == 6, f"exit {done.returncode}: {done.stderr[-300:]}")
        codec = codecs.create("bpg")
        for data in written.values():
            codec.decode(data)
        return f"exit 6 after {len(written)} of 300 files, each whole; nothing else was left"
    finally:
        run(["umount", str(disk)])


def unreadable(folder: Path, options: argparse.Namespace) -> str:
    """A folder below that cannot be looked into."""
    if os.getuid() == 0:
        return "not tried: root may look into every folder"
    source = pictures(folder / "in", 20)
    (source / "closed").mkdir(mode=0)
    done = run([*encode(source, folder / "out"), "-r"])
    check(done.returncode == 5 and len(tree(folder / "out")) == 20, done.stderr[-300:])
    return "exit 5, and 20 of 20 files outside it"


def ray(folder: Path, options: argparse.Namespace) -> str:
    """A Ray cluster of two workers here, one of which is killed, beside the local engine."""
    source = pictures(folder / "in", options.ray, (224, 224))
    start = time.monotonic()
    expected = whole(source, folder / "local")
    local_s, start = time.monotonic() - start, time.monotonic()
    command = encode(source, folder / "ray", "--engine", "ray")
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    killed = None
    while killed is None and process.poll() is None:
        if len(list((folder / "ray").glob("*.bpg"))) > options.ray // 3:
            killed = worker_at_work(process.pid)
        time.sleep(0.05)
    check(killed is not None, "no worker was found")
    os.kill(killed, signal.SIGKILL)
    check(process.wait() == 0 and tree(folder / "ray") == expected, "files differ")
    rates = [options.ray / s for s in (local_s, time.monotonic() - start)]
    return (
        f"{options.ray} files equal though a worker was killed; {rates[1]:.1f} pictures/s, "
        f"the local engine {rates[0]:.1f}"
    )


SCENARIOS: dict[str, Callable[[Path, argparse.Namespace], str]] = {
    "kills": kills,
    "two": two,
    "changing": changing,
    "full": full,
    "unreadable": unreadable,
    "large": large,
    "ray": ray,
    "small": small,
}


def _peak_mb(command: list[str]) -> float:
    """The most memory that the process itself, without its workers, had at once."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = max(peak, int(status.split("VmHWM:")[1].split()[0]) / 1000)
        time.sleep(0.05)
    check(process.returncode == 0, f"exit {process.returncode}")
    return peak


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="neurocodec-soak-") as name:
        yield Path(name)


def main() -> None:
    """Run the scenarios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--ray", type=int, default=2000, metavar="PICTURES")
    parser.add_argument("--side", type=int, default=20_000)
    options = parser.parse_args()
    for name in options.scenarios or SCENARIOS:
        with _scratch() as folder:
            print(f"{name}: {SCENARIOS[name](folder, options)}", flush=True)


if __name__ == "__main__":
    main()
