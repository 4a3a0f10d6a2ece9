"""Which device a name asks for."""

import pytest
import torch

from neurocodec.errors import UsageError
from neurocodec.networks import devices


@pytest.fixture(params=[False, True])
def has_gpu(request, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param)
    return request.param


def test_auto_takes_the_gpu_where_there_is_one(has_gpu):
    assert devices.resolve("auto").type == ("cuda" if has_gpu else "cpu")


def test_cpu_is_the_cpu(has_gpu):
    assert devices.resolve("cpu").type == "cpu"


def test_cuda_without_a_gpu_says_what_to_do(has_gpu):
    if has_gpu:
        assert devices.resolve("cuda").type == "cuda"
    else:
        with pytest.raises(UsageError, match="--device cpu"):
            devices.resolve("cuda")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:7", "mps"])
def test_another_name_lists_the_known_ones(name):
    with pytest.raises(UsageError, match="auto, cpu, cuda"):
        devices.resolve(name)
