"""Teach a filter what searches found: regression to searched pictures, before Algorithm 1.

    .venv/bin/python tests/benchmarks/learn_searches.py search --to runs/searched
    .venv/bin/python tests/benchmarks/learn_searches.py learn --searched runs/searched \\
        -o runs/learnt --max-minutes 15
    neurocodec train-npp --recipe auto-bpg --from runs/learnt/npp.safetensors -o runs/after --amp \\
        --learning-rate 1e-4 --last-learning-rate 5e-6 --max-minutes 12

`search` filters centre crops of the training pool by `--filter search`, asking the six recognisers
of the recipe auto-bpg, and writes each with what it found; it goes on where it stopped. `learn`
lowers the squared error between the filter's picture and the searched one. At the end it says how
much of the start's error on pictures left out remains, and BD-rates on the pictures kept apart.
"""

import io
import json
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import numpy as np
import torch
from torch import Tensor, nn

from neurocodec import files
from neurocodec.codecs.bpg import Bpg
from neurocodec.filters.search.search import Search
from neurocodec.images import Image
from neurocodec.losses import Recognition, described
from neurocodec.losses.pixels import mean_squared_error
from neurocodec.networks import checkpoint
from neurocodec.networks.npp import Npp
from neurocodec.networks.tensors import to_tensor
from neurocodec.training import data as training_data
from neurocodec.training import loop
from neurocodec.training.config import Config
from neurocodec.training.report import Record, Report
from neurocodec.training.validation import Scores
from neurocodec.training.workbench import Workbench, workbench

SIDE = 224
APART = 64  # of the pool, as in the recipe
LEFT_OUT = 32  # searched pictures that are not learnt from
RECIPE = Path(__file__).parents[2] / "weights" / "recipes" / "auto-bpg.toml"


def models(data: Path) -> list[str]:
    """The recognisers of the recipe."""
    named = tomllib.loads(RECIPE.read_text())["options"]["model"]
    return [name.replace("$NEUROCODEC_DATA", str(data)) for name in named]


@dataclass(frozen=True)
class Searched:
    """A picture and the filtered one of a search at a QP, (H, W, 3) uint8 each."""

    clean: np.ndarray
    filtered: np.ndarray
    qp: int

    @classmethod
    def read(cls, path: Path) -> "Searched":
        with np.load(path) as stored:
            return cls(stored["clean"], stored["filtered"], int(stored["qp"]))

    def write(self, path: Path) -> None:
        content = io.BytesIO()
        np.savez(content, clean=self.clean, filtered=self.filtered, qp=self.qp)
        files.write(str(path), content.getvalue())


@dataclass(frozen=True, eq=False)
class Batches:
    """Random batches of searched pictures, mirrored half of the time."""

    searched: Sequence[Searched]
    config: Config

    def batch(self, step: int) -> list[Searched]:
        rng = np.random.default_rng([self.config.seed, step])
        chosen = rng.choice(len(self.searched), self.config.batch, replace=False)
        mirrored = rng.random(len(chosen)) < 0.5
        return [
            flipped(self.searched[number]) if flip else self.searched[number]
            for number, flip in zip(chosen, mirrored, strict=True)
        ]


def flipped(one: Searched) -> Searched:
    left_right = (slice(None), slice(None, None, -1))
    return Searched(one.clean[left_right].copy(), one.filtered[left_right].copy(), one.qp)


@dataclass(frozen=True, eq=False)
class Regression:
    """A training step: ‖npp(x, QP) − x̄‖² by that of the start, x̄ being a search's picture."""

    bench: Workbench
    network: nn.Module
    start: nn.Module
    left_out: Sequence[Searched]
    qps: Sequence[int]

    kind = "npp"

    def gradients(self, batch: list[Searched], step: int) -> Record:
        error = self.error(self.network, batch, self.bench.precision)
        start = self.error(self.start, batch, self.bench.precision, learns=False)
        (error / start.clamp_min(1e-5)).mean().backward()
        return {"mse": float(error.detach().mean()), "mse_start": float(start.mean())}

    def error(
        self, network: nn.Module, batch: Sequence[Searched], precision: Any, *, learns: bool = True
    ) -> Tensor:
        x, target = (
            to_tensor([Image(picture) for picture in pictures], self.bench.device)
            for pictures in ([one.clean for one in batch], [one.filtered for one in batch])
        )
        qp = torch.tensor([float(one.qp) for one in batch], device=self.bench.device)
        with torch.set_grad_enabled(learns), precision:
            x_bar = network(x, qp)
        return mean_squared_error(x_bar.float(), target)

    def validate(self, network: nn.Module) -> Scores:
        """The share of the start's error that remains, and BD-rates."""
        parts = [self.left_out[place : place + 8] for place in range(0, len(self.left_out), 8)]
        float32 = torch.autocast("cpu", enabled=False)
        after, before = (
            float(
                torch.cat([self.error(one, part, float32, learns=False) for part in parts]).mean()
            )
            for one in (network, self.start)
        )
        text = f"squared error on pictures left out: {before:.3g}, after learning {after:.3g}"
        return Scores({"error_share": after / before}, (text,)) + self.bench.validation(network)

    def describe(self) -> dict[str, Any]:
        return {"codec": "bpg", "qps": list(self.qps), **described(self.bench.losses)}


@click.group(help=__doc__)
def main() -> None:
    torch.set_num_threads(1)


_data = click.option("--data", envvar="NEUROCODEC_DATA", type=Path, required=True)
_start = click.option("--from", "start", default="auto-bpg", show_default=True)


@main.command()
@_data
@_start
@click.option("--to", type=Path, required=True, help="Folder for the filtered pictures.")
@click.option("--pictures", default=1000, show_default=True)
@click.option("--qp", "qps", type=int, multiple=True, default=(28, 34, 41), show_default=True)
@click.option("--qps-each", default=1, show_default=True, help="How many of the QPs a picture has.")
def search(
    data: Path, start: str, to: Path, pictures: int, qps: tuple[int, ...], qps_each: int
) -> None:
    """Search for every picture at one of the QPs, then at the next."""
    split = training_data.split(data / "train-pool", APART)
    searching = Search(Bpg(), start=start, model="+".join(map(quote, models(data))))
    files.make_folder(to)
    for number, qp in _turns(pictures, qps, qps_each):
        path = to / f"{number:04}-{qp}.npz"
        if path.exists():
            continue
        for clean in split.centres([split.training[number]], SIDE, Report()):
            filtered, account = searching.with_account(clean, qp)
            Searched(clean.pixels, filtered.pixels, qp).write(path)
            print(json.dumps({"picture": number, "qp": qp, **account}), flush=True)


def _turns(pictures: int, qps: Sequence[int], qps_each: int) -> Iterator[tuple[int, int]]:
    for turn in range(qps_each):
        for number in range(pictures):
            yield number, qps[(number + turn) % len(qps)]


@main.command()
@_data
@_start
@click.option("--searched", type=Path, required=True)
@click.option("-o", "--output", type=Path, required=True)
@click.option("--max-minutes", default=15.0, show_default=True)
@click.option("--learning-rate", default=2e-4, show_default=True)
@click.option("--resume", is_flag=True)
def learn(data: Path, start: str, searched: Path, output: Path, **settings: Any) -> None:
    """Learn from the pictures that were searched."""
    config = Config(
        output,
        data / "train-pool",
        size=SIDE,
        validation=APART,
        last_learning_rate=settings["learning_rate"] / 20,
        ema=0.998,
        amp=True,
        device="cpu",
        command=" ".join(sys.argv),
        **settings,
    )
    paths = sorted(searched.glob("*.npz"))
    pictures = sorted({path.name.partition("-")[0] for path in paths})
    apart = set(pictures[-LEFT_OUT:])
    left_out, learnt = [], []
    for path in paths:
        side = left_out if path.name.partition("-")[0] in apart else learnt
        side.append(Searched.read(path))
    print(f"{len(learnt)} to learn from, {len(left_out)} left out", flush=True)
    recognition = Recognition(models(data))
    (network, stored), (fixed, _) = (checkpoint.read(start, Npp, "preprocessor") for _ in range(2))
    for one in (network, fixed):
        one.to(memory_format=torch.channels_last)
    with workbench(config, Report(), "bpg", recognition) as bench:
        algorithm = Regression(
            bench, network.requires_grad_(True), fixed, left_out, stored.made["qps"]
        )
        trained = loop.train(algorithm, Batches(learnt, config), bench.config, Report())
    print(f"{trained.weights}: {trained.progress.steps} steps", *trained.scores.remarks, sep="\n")


if __name__ == "__main__":
    main()
