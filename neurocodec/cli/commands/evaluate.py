"""`neurocodec evaluate`."""

from pathlib import Path
from typing import Any

import click

from neurocodec.cli import console, options
from neurocodec.errors import UsageError


@click.command()
@click.argument("data", type=click.Path())
@click.option(
    "--task", required=True, metavar="classification|detection|segmentation|pose|fidelity"
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME|FILE",
    help="Recogniser: a torchvision or timm name, or a .safetensors file; several are asked about "
    "the same decoded pictures: give it again.",
)
@click.option(
    "--lpips-weights",
    default="",
    metavar="FILE",
    help="LPIPS weights (AlexNet's or SqueezeNet 1.1's), for --task fidelity.",
)
@click.option(
    "--codec", "codecs", default="bpg", show_default=True, help="Codecs, separated by commas."
)
@click.option(
    "--qp", "qps", help="QPs, separated by commas: 0-51, vvc 0-63.  [default: 28,31,34,37,41]"
)
@click.option(
    "--quality",
    "qualities",
    help="Qualities: jpeg, webp, avif, jxl and heic 1-100, jpeg2000 20-60 dB.",
)
@click.option("--iterations", help="Iterations: dic 1-16.")
@click.option("--qf", "qfs", help="Quality factors: spic 8-128.")
@options.chroma
@click.option(
    "--filter",
    "--pre",
    "filters",
    default="none",
    show_default=True,
    help="Filters, separated by commas; --pre is an alias.",
)
@options.weights
@click.option("--max-bpp", type=float, help="Leave out points of a higher rate.")
@click.option("--limit", type=click.IntRange(min=1), help="Measure the first N pictures only.")
@click.option("-o", "--output", type=click.Path(), help="Results file; a second run goes on in it.")
@click.option("--per-image", is_flag=True, help="Write a line per picture too: intervals need it.")
@click.option("--resume/--fresh", default=True, help="Continue the results file, or begin anew.")
@click.option("--cache/--no-cache", default=True, help="Keep coded files for the next run.")
@options.jobs
@options.device
@options.verbosity
def evaluate(
    data: str,
    output: str | None,
    per_image: bool,
    resume: bool,
    max_bpp: float | None,
    task: str,
    models: tuple[str, ...],
    lpips_weights: str,
    limit: int | None,
    cache: bool,
    jobs: int,
    codecs: str,
    filters: str,
    qps: str | None,
    qualities: str | None,
    iterations: str | None,
    qfs: str | None,
    weights: str | None,
    **grid: Any,
) -> None:
    """Measure rate and recognition, every picture of DATA really encoded and decoded.

    Lists are separated by commas. A recogniser is a torchvision or timm name, or a
    .safetensors file. One JSON line a point goes to -o, or to standard output.

    \b
    neurocodec evaluate val --task classification --model squeezenet1_0.safetensors \\
        --codec bpg --qp 28,31,34,37,41 --filter none,blur:sigma=0.5 -o r.jsonl --per-image
    """
    from neurocodec import tasks
    from neurocodec.cli import measuring
    from neurocodec.tasks import datasets

    specs = options.with_weights(filters.split(","), weights)
    levels = measuring.levels(qp=qps, quality=qualities, iterations=iterations, qf=qfs)
    points = measuring.points_over(codecs.split(","), specs, levels, **grid)
    if not data:
        raise UsageError("DATA is an empty name: is a variable unset?")
    pictures = datasets.read(Path(data), task, limit)
    console.note(f"{pictures.name}: {len(pictures.pictures)} pictures, read as {pictures.layout}")
    loaded = [
        tasks.create(task, one, grid["device"], lpips_weights)
        for one in dict.fromkeys(models or ("",))
    ]
    experiments = measuring.experiments(pictures, loaded, cache=cache, jobs=jobs)
    measuring.run(experiments, points, output, per_image=per_image, resume=resume, max_bpp=max_bpp)
