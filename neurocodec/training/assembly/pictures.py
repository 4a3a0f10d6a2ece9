"""The pictures of a training, as its settings ask for them."""

from collections.abc import Sequence
from pathlib import Path

from neurocodec.images import Image
from neurocodec.training import data, distances
from neurocodec.training.config import Config
from neurocodec.training.data import Crops, Split


def split(config: Config, task: str, loss: str | None) -> Split:
    """Those to learn from and those kept apart, with labels if the loss is by labels.

    Raises:
        BadInputError: no such folder, too few pictures, or labels that are not there.
        UsageError: several annotation files would serve.
    """
    return data.split(config.data, config.validation, task if loss == distances.LABELS else None)


def crops(pictures: Split, config: Config) -> Crops:
    """Batches of what is to learn from."""
    return Crops(
        pictures.training,
        size=config.size,
        batch=config.batch,
        seed=config.seed,
        truths=pictures.truths,
        soften=config.soften,
    )


def validation(pictures: Split, config: Config) -> list[Image]:
    """The middles of those kept apart, where a training ever asks for them.

    Raises:
        BadInputError: one cannot be read.
    """
    return centres(pictures, pictures.validation if config.validate_every else (), config.size)


def centres(pictures: Split, paths: Sequence[Path], size: int) -> list[Image]:
    """The middles of some of the pictures.

    Raises:
        BadInputError: one cannot be read.
    """
    return [data.centre_crop(data.read(path, pictures.truths), size) for path in paths]
