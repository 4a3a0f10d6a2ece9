"""What every test may ask for."""

import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from neurocodec import weights
from neurocodec.images import Image

# A shell starts what runs in its background with Ctrl-C ignored, and programs inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def no_weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """`--pre auto` filters nothing where a test does not ask for it: a trained network takes
    seconds to start, and changes what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(weights.VARIABLE, str(tmp_path_factory.mktemp("no_weights")))
        yield


@pytest.fixture
def project_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights that the project ships are installed."""
    monkeypatch.delenv(weights.VARIABLE)


@pytest.fixture(scope="session")
def needs_tool() -> Callable[[str], str]:
    """A function from an external tool's name to its path: absent, it skips, and in CI it fails."""

    def path(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            absent = pytest.fail if os.environ.get("CI") else pytest.skip
            absent(f"{name} is not installed")
        return str(found)

    return path


@pytest.fixture(scope="session")
def data_folder() -> Callable[[str], Path]:
    """A function from a subfolder's name to its path under $NEUROCODEC_DATA; skips without it."""

    def path(name: str) -> Path:
        root = os.environ.get("NEUROCODEC_DATA")
        if not root or not (Path(root) / name).is_dir():
            pytest.skip(f"$NEUROCODEC_DATA/{name} is not there")
        return Path(root) / name

    return path


def program_head() -> str:
    """The first lines of a Python script that is a program, wherever its interpreter lives.

    A plain "#!" line cannot name a path with a space; to Python these lines are one string.
    """
    return f"#!/bin/sh\n'''exec' {shlex.quote(sys.executable)} \"$0\" \"$@\"\n' '''"


def picture(
    width: int, height: int, *, seed: int = 0, alpha: bool = False, gray: bool = False
) -> Image:
    """A made picture with smooth parts, edges and texture, so that it codes like a photograph."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    phases = rng.uniform(0, 6, 3)
    smooth = [128 + 90 * np.sin(5 * x + p) * np.cos(4 * y - p) for p in phases]
    disc = (x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.06
    texture = rng.normal(0, 12, (height, width)) * (x > 0.5)
    shades = smooth[:1] * 3 if gray else smooth
    planes = [np.where(disc, 255 - shade, shade) + texture for shade in shades]
    pixels = np.clip(np.stack(planes, axis=-1), 0, 255).astype(np.uint8)
    mask = np.clip(255 * (x + y), 0, 255).astype(np.uint8) if alpha else None
    return Image(pixels, mask, gray)


def psnr_db(a: Image, b: Image) -> float:
    """PSNR over the RGB samples of two pictures of one size, in dB; inf where they are equal."""
    error = float(np.mean((a.pixels.astype(float) - b.pixels.astype(float)) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))
