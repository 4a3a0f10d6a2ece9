"""Weights of dic in files: untrained, tiny."""

from pathlib import Path

import torch

from neurocodec.networks import checkpoint
from neurocodec.networks.dic import Dic


def dic(folder: Path, seed: int = 0) -> Path:
    """Write weights of four channels."""
    torch.manual_seed(seed)
    path = folder / f"dic-{seed}.safetensors"
    path.write_bytes(checkpoint.dump(Dic(width=4), "dic", {}))
    return path
