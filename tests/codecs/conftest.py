"""Weights for learned codecs: untrained, tiny, in files."""

from collections.abc import Callable
from functools import lru_cache

import pytest


@pytest.fixture(scope="session")
def dic_weights(tmp_path_factory) -> Callable[[int], str]:
    """A function from a seed to the path of untrained weights of dic."""
    from tests.networks.dic_files import dic

    @lru_cache
    def store(seed: int) -> str:
        return str(dic(tmp_path_factory.mktemp("dic"), seed))

    return store


@pytest.fixture(scope="session")
def spic_weights(tmp_path_factory) -> Callable[[int], str]:
    """A function from a seed to the path of untrained weights of spic."""
    from tests.networks.spic_files import spic

    @lru_cache
    def store(seed: int) -> str:
        return str(spic(tmp_path_factory.mktemp("spic"), seed))

    return store


@pytest.fixture(scope="session")
def proxy_weights(tmp_path_factory) -> Callable[[int], str]:
    """A function from a seed to the path of an untrained proxy's weights, for every QP."""
    pytest.importorskip("compressai", reason="mbt2018 needs compressai, which is not installed")
    import torch

    from neurocodec.networks import checkpoint
    from neurocodec.networks.proxy import Proxy

    @lru_cache
    def store(seed: int) -> str:
        torch.manual_seed(seed)
        path = tmp_path_factory.mktemp("proxy") / f"{seed}.safetensors"
        path.write_bytes(checkpoint.dump(Proxy(width=8, latents=12), "proxy", {"qps": [0, 51]}))
        return str(path)

    return store
