import os
import shutil
import subprocess
from dataclasses import dataclass, field

import pytest
import torch
from torch import nn

from neurocodec.networks import checkpoint
from neurocodec.training import loop
from neurocodec.training.config import Config
from neurocodec.training.validation import Scores
from tests.cli.running import COMMAND
from tests.networks.recogniser_files import CLASSIFIER, write


class Tinted(nn.Module):
    def __init__(self):
        super().__init__()
        self.config = {}
        self.tint = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        return x + self.tint.tanh()


@dataclass(frozen=True)
class Tinting:
    """Learns a shade."""

    network: nn.Module = field(default_factory=Tinted)
    kind = "npp"

    def gradients(self, batch, step):
        loss = (self.network(batch) - 0.5).square().mean()
        loss.backward()
        return {"loss": float(loss.detach())}

    def validate(self, network):
        return Scores()

    def describe(self):
        return {}


class Gray:
    def batch(self, step):
        return torch.full((2, 8, 3), 0.25)


def trained(output, **settings):
    config = Config(output, output, device="cpu", **settings)
    loop.train(Tinting(), Gray(), config)
    return checkpoint.read_tensors((output / "npp.safetensors").read_bytes(), "npp")[0]


@pytest.mark.slow
def test_a_compiled_training_has_the_weights_and_the_state_of_one_that_is_not(tmp_path):
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        pytest.skip("there is no C++ compiler")
    plain, compiled = tmp_path / "plain", tmp_path / "compiled"
    trained(plain, max_steps=2)
    trained(compiled, max_steps=2, compile=True)

    one = trained(plain, max_steps=4, resume=True, compile=True)
    other = trained(compiled, max_steps=4, resume=True)

    assert one.keys() == other.keys() == {"tint"}
    assert one["tint"].all()
    assert torch.allclose(one["tint"], other["tint"], rtol=1e-5)


@pytest.mark.slow
def test_without_a_compiler_it_is_reported_before_any_work(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "/nowhere/c++")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    model = write(tmp_path, CLASSIFIER)
    output = tmp_path / "out"
    options = ["--data", folder, "--model", model, "-o", output, "--max-steps", "1", "--compile"]

    command = [*COMMAND, "train-npp", *map(str, options), "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)

    assert done.returncode == 3, done.stderr
    assert b"--compile: torch cannot compile here" in done.stderr
    assert not output.exists()
