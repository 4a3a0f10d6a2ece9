"""One of two processes that train together, small: `python -m tests.training.two OUTPUT PICTURES`.

Its weights at the end are in OUTPUT/rank-N.safetensors. With "dies" as a third argument the second
process ends in its second step, as a crash ends it.
"""

import os
import sys
from pathlib import Path

import torch

from neurocodec.errors import NeurocodecError
from neurocodec.losses import Recognition
from neurocodec.losses.algorithm1 import Objective
from neurocodec.losses.quantisation import dct_proxy
from neurocodec.networks import checkpoint
from neurocodec.networks.npp import Npp
from neurocodec.training import data, distributed, loop
from neurocodec.training.codec_pool import CodecPool
from neurocodec.training.config import Config
from neurocodec.training.data import Crops
from neurocodec.training.npp import NppAlgorithm, NppOptions
from neurocodec.training.state import Progress
from tests.training.conftest import SLOPES, SmallLoss, bench


class Dying(NppAlgorithm):
    def gradients(self, images, step):
        if step == 1 and distributed.rank() == 1:
            os._exit(9)
        return super().gradients(images, step)


def main(output, pictures, *how):
    config = Config(
        Path(output), Path(pictures), max_steps=3, batch=4, micro_batch=1, size=32, device="cpu"
    )
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with distributed.group(config), CodecPool("jpeg", jobs=0) as pool:
        options = NppOptions("jpeg", range(28, 42), Recognition(["small"]), random_crops=True)
        work = bench(pool, {"small": SmallLoss()}, micro_batch=1)
        network, proxy = Npp(arch="npp", width=4), dct_proxy("jpeg")
        step = Dying if how else NppAlgorithm
        objective = Objective(work.losses, SLOPES, options.beta)
        algorithm = step(options, work, network, proxy, "DctProxy", objective)
        if distributed.rank() == 1:
            Progress.share = property(lambda self: 1.0)  # a clock that is fast
        loop.train(algorithm, Crops(data.split(config.data, 2), config), config)
        assert (config.output / "npp.safetensors").exists()
        last = checkpoint.tensors_file(network.state_dict(), {})
        (config.output / f"rank-{distributed.rank()}.safetensors").write_bytes(last)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except NeurocodecError as exc:
        print(exc, file=sys.stderr)
        sys.exit(exc.exit_code)
