import hashlib

import pytest
import safetensors.torch
import torch

from neurocodec.errors import BadInputError
from neurocodec.networks import checkpoint
from neurocodec.networks.npp import Npp


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Npp(arch="npp-light", width=16)


def test_a_network_comes_back_as_it_was(network):
    data = checkpoint.dump(network, "npp", {"qps": [22, 45], "command": "train-npp …"})

    found = checkpoint.load(data, "x")

    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(found.network(x, 30.0), network.eval()(x, 30.0))
    assert found.network.config == network.config
    assert found.made == {"qps": [22, 45], "command": "train-npp …"}
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert not found.network.training
    assert not any(parameter.requires_grad for parameter in found.network.parameters())


def test_equal_networks_are_equal_files(network):
    files = {checkpoint.dump(network, "npp", {"command": "ä", "qps": [1]}) for _ in range(8)}

    assert len(files) == 1
    (data,) = files
    assert safetensors.torch.load(data).keys() == network.state_dict().keys()
    assert int.from_bytes(data[:8], "little") % 8 == 0


def test_half_precision_is_read_as_single(network):
    halves = checkpoint.dump(network.half(), "npp", {})

    found = checkpoint.load(halves, "x").network

    assert {parameter.dtype for parameter in found.parameters()} == {torch.float32}


def damaged(network):
    whole = checkpoint.dump(network, "npp", {})
    yield b""
    yield b"not safetensors at all"
    yield whole[:-10]
    yield checkpoint.tensors_file(network.state_dict(), {})
    yield checkpoint.tensors_file({}, {"network": "npp", "config": "{}", "made": "{}"})
    yield checkpoint.tensors_file({}, {"network": "other", "config": "{}", "made": "{}"})
    yield checkpoint.dump(network, "npp", {}).replace(b"npp-light", b"npp-heavy")


def test_what_is_no_network_is_refused_by_name(network):
    for data in damaged(network):
        with pytest.raises(BadInputError, match=r"x\.safetensors"):
            checkpoint.load(data, "x.safetensors")
