"""`neurocodec choose-level`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neurocodec.cli import console, options, targeting
from neurocodec.errors import UsageError

if TYPE_CHECKING:
    from neurocodec.evaluation.level_choice import ServingLevel
    from neurocodec.pipeline import Setting

_MOST_LEVELS = 7  # of any codec


@click.command()
@click.argument("data", type=click.Path())
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="NAME|FILE",
    help="Recogniser; give it again for several: the score is their mean.",
)
@click.option(
    "--task",
    default="classification",
    show_default=True,
    metavar="classification|detection|segmentation|pose",
)
@options.codec
@options.chroma
@options.filter_
@options.weights
@click.option("--agreement", metavar="0.95", help="The least agreement with the originals.")
@click.option("--kl", metavar="0.3", help="The largest mean KL divergence, in nats.")
@click.option("--limit", type=click.IntRange(min=1), help="Measure the first N pictures only.")
@targeting.cache
@options.jobs
@options.device
@options.as_json
@options.verbosity
def choose_level(
    data: str,
    models: tuple[str, ...],
    task: str,
    codec: str,
    chroma: str | None,
    filter: str,
    weights: str | None,
    agreement: str | None,
    kl: str | None,
    limit: int | None,
    cache: bool,
    jobs: int,
    device: str,
    as_json: bool,
) -> None:
    """Choose the level of the fewest bits at which recognisers still agree with the originals.

    DATA is a folder of pictures, as for evaluate; labels are not needed. Prints the level, its
    score with a 95 % interval by bootstrap over pictures, and its rate.

    \b
    neurocodec choose-level frames --model mcunet_144.safetensors --agreement 0.95
    """
    from neurocodec.evaluation import level_choice
    from neurocodec.pipeline import Setting
    from neurocodec.tasks import datasets

    if (agreement is None) == (kl is None):
        raise UsageError("give one of --agreement 0.95 and --kl 0.3")
    score = f"agreement:{agreement}" if kl is None else f"kl:{kl}"
    target = targeting.score_target(score, models, task)
    spec = targeting.with_recognisers(options.with_weights([filter], weights)[0], target)
    setting = Setting(codec, spec, chroma, device=device)
    if not data:
        raise UsageError("DATA is an empty name: is a variable unset?")
    pictures = datasets.read(Path(data), task, limit)
    console.note(f"{pictures.name}: {len(pictures.pictures)} pictures")
    with console.progress(_MOST_LEVELS, "measuring levels") as advance:
        serving = level_choice.choose(
            pictures, setting, target, cache=cache, jobs=jobs, advance=advance
        )
    if not serving.choice.met:
        console.note(serving.choice.reached(0).miss(serving.choice.level))
    click.echo(json.dumps(_record(serving, setting)) if as_json else _describe(serving))


def _record(serving: "ServingLevel", setting: "Setting") -> dict[str, Any]:
    from neurocodec.pipeline import prepared

    choice, target, pipeline = serving.choice, serving.choice.target, prepared(setting)
    level = choice.level.record()
    return {
        "level": level,
        "qp": level.get("qp"),
        "quality": level.get("quality"),
        target.quantity: choice.measured,
        "interval": serving.interval,
        "met": choice.met,
        "target": target.value,
        "bpp": serving.bpp,
        "pictures": serving.pictures,
        "levels_measured": serving.levels_measured,
        "codec": setting.codec,
        "chroma": pipeline.codec.chroma,
        "pre": pipeline.filter_spec,
        "task": target.task,
        "models": target.models,
    }


def _describe(serving: "ServingLevel") -> str:
    choice, (low, high) = serving.choice, serving.interval
    return (
        f"{choice.level.unit} {choice.level.value}  {choice.target.quantity} "
        f"{choice.measured:.3f} [{low:.3f}, {high:.3f}]  {serving.bpp:.3f} bpp  "
        f"({serving.pictures} pictures, {serving.levels_measured} levels measured)"
    )
