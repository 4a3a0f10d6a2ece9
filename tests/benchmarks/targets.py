"""What a target costs against one encoding, and whether it is met.

    .venv/bin/python tests/benchmarks/targets.py PICTURES MODEL [--limit 24] [--codec bpg]

The peer encodes every picture once, at the level that was chosen: the ratio of the times is what a
target costs, in the same process and without a cache. A miss is a picture whose file, encoded
anew at the chosen level, is not within the target.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from neurocodec import images
from neurocodec.batch import scoring, targeted
from neurocodec.batch.coding import Encodings
from neurocodec.batch.targets import Target
from neurocodec.codecs import Level
from neurocodec.images import Image
from neurocodec.pipeline import Pipeline, Setting, read


@dataclass
class Row:
    """A target over the pictures."""

    encodings: list[int] = field(default_factory=list)
    misses: int = 0
    target_s: float = 0.0
    once_s: float = 0.0

    def __str__(self) -> str:
        mean, most = statistics.mean(self.encodings), max(self.encodings)
        return f"{mean:.1f} | {most} | {self.misses} | {self.target_s / self.once_s:.1f}"


def measured(pipeline: Pipeline, target: Target, pictures: Sequence[Image]) -> Row:
    """The target on every picture, and one encoding of each at the level that it chose."""
    row = Row()
    for image in pictures:
        encodings = Encodings(pipeline, image, None)
        start = time.perf_counter()
        choice = targeted.choose(encodings, pipeline, image, target)
        row.target_s += time.perf_counter() - start
        row.encodings.append(encodings.made)
        start = time.perf_counter()
        data = pipeline.encode(image, choice.level).data
        row.once_s += time.perf_counter() - start
        row.misses += not target.holds(reached(pipeline, target, image, choice.level, data))
    return row


def reached(pipeline: Pipeline, target: Target, image: Image, level: Level, data: bytes) -> float:
    """The target's quantity of a file."""
    if target.quantity == "size_bytes":
        return len(data)
    if target.quantity == "bpp":
        return 8 * len(data) / (image.width * image.height)
    panel = scoring.panel(target, "cpu")
    decoded = pipeline.round_trip(image, level, data).image
    return panel.value([panel.score(panel.predict(image), decoded, image)])


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.option("--limit", default=24, show_default=True)
@click.option("--codec", default="bpg", show_default=True)
def main(folder: Path, model: Path, limit: int, codec: str) -> None:
    """Bring the first pictures of FOLDER to targets; scores are by the recogniser MODEL."""
    paths = sorted(path for path in folder.iterdir() if images.has_picture_name(path))[:limit]
    pictures = [read(str(path)) for path in paths]
    pipeline, models = Pipeline(Setting(codec)), (str(model),)
    named = {
        "0.25 bpp": Target("bpp", 0.25),
        "0.5 bpp": Target("bpp", 0.5),
        "1 bpp": Target("bpp", 1.0),
        "20 kB": Target("size_bytes", 20 * 1024),
        "agreement 0.95": Target("agreement", 0.95, models),
        "KL 0.3": Target("kl", 0.3, models),
    }
    for target in named.values():
        if not target.is_rate:
            scoring.panel(target, "cpu").predict(pictures[0])
    print(f"{len(pictures)} pictures, {codec}, one process\n")
    print("| target | encodings a picture | most | misses | time, of one encoding |")
    print("|---|---|---|---|---|")
    for name, target in named.items():
        print(f"| {name} | {measured(pipeline, target, pictures)} |", flush=True)


if __name__ == "__main__":
    main()
