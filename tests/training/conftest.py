"""Pictures and a recogniser small enough to train with in a test."""

from contextlib import contextmanager

import pytest
import torch
from torch import nn

from neurocodec import images
from neurocodec.losses.classification import kl_divergence
from neurocodec.networks.npp import Npp
from neurocodec.networks.precision import precision
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.exchange import ExchangeRates
from neurocodec.training.npp import NppAlgorithm
from neurocodec.training.quantisation import dct_proxy
from tests.conftest import picture

RATES = ExchangeRates([0.0], {"small": [0.0]})


@pytest.fixture(autouse=True)
def one_thread():
    """On tensors this small more threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of eight made pictures."""
    path = tmp_path_factory.mktemp("pictures")
    for seed in range(8):
        made = picture(40 + 4 * seed, 48, seed=seed)
        (path / f"{seed}.png").write_bytes(images.png(made))
    return path


class SmallDistance:
    """KL of a random classifier of a few weights."""

    task = "classification"
    loss = "kl"

    def __init__(self):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.network = nn.Sequential(
                nn.Conv2d(3, 8, 5, stride=4),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(7),
                nn.Flatten(),
                nn.Linear(392, 10),
            )
        self.network.requires_grad_(False)

    @torch.no_grad()
    def answer(self, clean, truths):
        return 20 * self.network(clean)

    def __call__(self, answer, decoded):
        return kl_divergence(answer, 20 * self.network(decoded))


@pytest.fixture
def distance():
    return SmallDistance()


@pytest.fixture
def algorithm(distance):
    """A context with a tiny preprocessor's training step, JPEG in this process as the codec."""

    @contextmanager
    def make(
        *,
        arch="npp-light",
        micro_batch=1,
        qps=range(28, 42),
        amp=False,
        rates=RATES,
        partial_views=False,
        swapping=True,
        beta=0.5,
    ):
        torch.manual_seed(0)
        with CodecPool("jpeg", jobs=0) as pool:
            yield NppAlgorithm(
                Npp(arch=arch, width=4),
                dct_proxy("jpeg"),
                "DctProxy",
                pool,
                {"small": distance},
                rates,
                qps=qps,
                beta=beta,
                partial_views=partial_views,
                swapping=swapping,
                micro_batch=micro_batch,
                seed=0,
                precision=precision(torch.device("cpu"), amp=amp),
                validation=lambda network: {},
            )

    return make
