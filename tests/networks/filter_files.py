"""Weights files of untrained filters."""

from pathlib import Path

import torch
from torch import nn

from neurocodec.networks import checkpoint
from neurocodec.networks.npp import Npp


def npp_light(folder: Path, *, width: int, std: float, qps: list[int]) -> Path:
    """The file of an npp-light with random convolutions, which filters at those QPs."""
    torch.manual_seed(0)
    network = Npp(arch="npp-light", width=width)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=std)
    path = folder / "filter.safetensors"
    path.write_bytes(checkpoint.dump(network, "npp", {"qps": qps}))
    return path
