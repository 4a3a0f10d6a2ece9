"""What a fresh interpreter has imported at the end of a command."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from neurocodec import images
from neurocodec.cli import COMMANDS
from tests.conftest import picture

HEAVY = {"PIL", "av", "compressai", "numpy", "scipy", "torch", "torchvision"}
PROGRAM = """
import importlib, json, sys
module, *sys.argv = sys.argv[1:]
try:
    importlib.import_module(module).main()
except SystemExit as exc:
    code = exc.code
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""


def _run(*arguments: str, module: str = "neurocodec.__main__") -> tuple[int, set[str]]:
    """The exit code of a command, and the top-level names of all that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module, "neurocodec", *arguments],
        capture_output=True,
        timeout=120,
        check=True,
    )
    code, names = json.loads(done.stderr.splitlines()[-1])
    return code or 0, set(names)


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(arguments):
    code, names = _run(*arguments, "--help")
    assert code == 0
    assert names & HEAVY == set()


@pytest.mark.parametrize("name", ["bpgenc", "bpgdec"])
def test_nor_does_a_drop_ins(name):
    code, names = _run("-h", module=f"neurocodec.dropins.{name}")
    assert code == 1
    assert names & HEAVY == set()


@pytest.fixture(scope="module")
def photograph(tmp_path_factory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("light") / "photograph.png"
    path.write_bytes(images.png(picture(48, 32)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROCODEC_CACHE", str(path.parent / "cache"))
        yield path


@pytest.mark.parametrize("codec", ["jpeg", "jpeg2000", "bpg", "vvc"])
@pytest.mark.parametrize("pre", ["none", "scale:factor=0.5"])
@pytest.mark.parametrize("level", ["--qp=34", "--target-bpp=2"])
def test_encoding_without_a_network_imports_no_torch(photograph, codec, pre, level):
    arguments = [level, "--codec", codec, "--filter", pre, "--overwrite"]
    code, names = _run("encode", str(photograph), *arguments)
    assert code == 0
    assert names & {"compressai", "scipy", "torch", "torchvision"} == set()


def test_a_filter_on_torch_imports_torch_alone(photograph):
    arguments = ["--qp", "34", "--codec", "jpeg", "--filter", "blur", "--overwrite"]
    code, names = _run("encode", str(photograph), *arguments)
    assert code == 0
    assert names & {"compressai", "torch", "torchvision"} == {"torch"}


def test_a_trained_filter_imports_torch_alone(photograph, tmp_path):
    import torch

    from neurocodec.networks import checkpoint
    from neurocodec.networks.npp import Npp

    torch.manual_seed(0)
    weights = tmp_path / "npp.safetensors"
    weights.write_bytes(checkpoint.dump(Npp(arch="npp-semantic", width=4), "npp", {}))
    arguments = [
        "--qp",
        "34",
        "--codec",
        "jpeg",
        "--filter",
        f"npp:weights={weights}",
        "--overwrite",
    ]
    code, names = _run("encode", str(photograph), *arguments)
    assert code == 0
    assert names & {"compressai", "scipy", "torch", "torchvision", "sympy"} == {"torch"}
