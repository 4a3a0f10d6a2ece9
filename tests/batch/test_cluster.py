"""The Ray engine: the same files as this machine's processes make, though a worker is killed."""

import contextlib
import os
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from neurocodec import images
from neurocodec.batch.engines import cluster
from neurocodec.errors import MissingError
from tests.cli.running import COMMAND, ROOT
from tests.conftest import picture

OPTIONS = ["--codec", "bpg", "--qp", "37", "--filter", "none", "-j", "2"]


def tree(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir()} if root.is_dir() else {}


def descendants(pid: int) -> list[int]:
    """Processes below one, which have names that Ray gives its workers while they are at work."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1])
    below = {pid}
    while more := {child for child, parent in parents.items() if parent in below} - below:
        below |= more
    return sorted(below)


def worker_at_work(pid: int) -> int | None:
    for one in descendants(pid):
        with contextlib.suppress(OSError):
            name = Path(f"/proc/{one}/cmdline").read_bytes()
            if name.startswith(b"ray::") and b"attempt" in name:
                return one
    return None


@pytest.mark.slow
def test_a_cluster_makes_the_same_files_though_a_worker_is_killed(tmp_path):
    if find_spec("ray") is None:
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("Ray is not installed")
    pictures = tmp_path / "in"
    pictures.mkdir()
    for seed in range(60):
        (pictures / f"{seed}.png").write_bytes(images.png(picture(192, 128, seed=seed)))
    (pictures / "bad.png").write_bytes(b"no picture")
    local, remote = tmp_path / "local", tmp_path / "remote"
    encode = [*COMMAND, "encode", str(pictures), *OPTIONS]
    done = subprocess.run([*encode, "-o", str(local)], cwd=ROOT, capture_output=True)
    assert done.returncode == 5

    command = [*encode, "--engine", "ray", "-o", str(remote)]
    running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    until, killed = time.monotonic() + 120, None
    while killed is None and running.poll() is None and time.monotonic() < until:
        if len(tree(remote)) >= 5:
            killed = worker_at_work(running.pid)
        time.sleep(0.01)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    errors = running.communicate(timeout=300)[1]

    assert running.returncode == 5, errors
    assert errors.count(b"bad.png: not a picture") == 1
    assert tree(remote) == tree(local)
    assert len(tree(local)) == 60


def test_ray_is_asked_for_where_it_is_absent(monkeypatch):
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"neurocodec\[ray\]"):
        cluster.Cluster(2, 60.0, None)
